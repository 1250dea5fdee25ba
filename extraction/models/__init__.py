"""The record, in the order in which it grows."""

from extraction.models.checking import CheckReason
from extraction.models.claim import Claim
from extraction.models.contrast import ContrastStatistic
from extraction.models.entry import Entry, Row
from extraction.models.event import Event
from extraction.models.joining import FormerHolder, Invitation, SavedSearch
from extraction.models.people import Membership, User
from extraction.models.proposal import Proposal
from extraction.models.protocol import CodebookVersion, Template
from extraction.models.question import Answer, Question
from extraction.models.reconciliation import (
    Approval,
    Choice,
    Discrepancy,
    Match,
    MatchedRow,
    ReasonCode,
    Resolution,
)
from extraction.models.report import Report
from extraction.models.review import Assignment, Review, Slot, Trial, folded
from extraction.models.rows import Arm, Characteristic, Observation, Outcome, Timepoint
from extraction.models.rules import Rule
from extraction.models.vocabulary import (
    Direction,
    Intervention,
    Marker,
    MarkerSynonym,
    Moderator,
    ModeratorLevel,
    OutcomeClass,
    UnitFactor,
)

__all__ = [
    "Answer", "Approval", "Arm", "Assignment", "Characteristic", "CheckReason", "Choice", "Claim",
    "CodebookVersion", "ContrastStatistic", "Direction", "Discrepancy", "Entry", "Event", "FormerHolder",
    "Intervention", "Invitation", "Marker", "MarkerSynonym", "Match", "MatchedRow", "Membership", "Moderator",
    "ModeratorLevel", "Observation", "Outcome", "OutcomeClass", "Proposal", "Question", "ReasonCode", "Report",
    "Resolution", "Review", "Row", "Rule", "SavedSearch", "Slot", "Template", "Timepoint", "Trial",
    "UnitFactor", "User", "folded",
]  # fmt: skip
