"""The record as plain values: what two people wrote down about one trial, without a database.

`align`, `compare`, `diagnose`, `final`, `checks` and `workbook` work on these and nothing else, so a thousand
cases test in a second. The models have the same shape; `extraction.models.entry.Entry.as_record` and the
verbs translate. Keys are the rows' UUIDs as text. Every number keeps what was printed; `value` is
what the strict grammar of `extraction.numbers` made of it and is never rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What is known of a quantity. The empty status means that nobody has said anything yet."""

    UNSAID = ""
    REPORTED = "reported"
    NOT_REPORTED = "NR"
    NOT_MEASURED = "NM"
    UNCLEAR = "UN"


class Qualifier(StrEnum):
    EQUAL = "="
    LESS = "<"
    AT_MOST = "≤"
    MORE = ">"
    AT_LEAST = "≥"
    ABOUT = "~"
    BELOW_DETECTION = "LOD"  # below the limit of detection, which is the value


class CentreKind(StrEnum):
    NONE = ""
    MEAN = "mean"
    GEOMETRIC_MEAN = "geometric_mean"
    MEDIAN = "median"
    ADJUSTED_MEAN = "adjusted_mean"
    EVENTS = "events"


class SpreadKind(StrEnum):
    NONE = ""
    SD = "sd"
    SE = "se"
    CI = "ci"
    IQR = "iqr"
    RANGE = "range"
    GEOMETRIC_SD = "geometric_sd"
    UNLABELLED = "unlabelled"


TWO_ENDED = frozenset({SpreadKind.CI, SpreadKind.IQR, SpreadKind.RANGE})


class QuantityKind(StrEnum):
    SCORE = "score"
    CHANGE = "change"  # from baseline


class Statistic(StrEnum):
    """What a report gives in the place of means: between two arms, or of the change within one."""

    MEAN_DIFFERENCE = "mean_difference"
    SMD = "smd"  # standardised mean difference: d, g
    T = "t"
    F = "f"
    P = "p"
    CORRELATION = "r"  # between before and after, in one arm
    SD_CHANGE = "sd_change"
    PAIRED_T = "paired_t"
    P_CHANGE = "p_change"


WITHIN_ARM = frozenset({Statistic.CORRELATION, Statistic.SD_CHANGE, Statistic.PAIRED_T, Statistic.P_CHANGE})
BETWEEN_ARMS = frozenset(Statistic) - WITHIN_ARM


class Role(StrEnum):
    INTERVENTION = "intervention"
    CONTROL = "control"


class Phase(StrEnum):
    BASELINE = "baseline"
    DURING = "during"
    POST = "post"
    FOLLOW_UP = "follow-up"


class Condition(StrEnum):
    UNSAID = ""
    BASAL = "basal"
    STIMULATED = "stimulated"


class Scale(StrEnum):
    RAW = "raw"
    LOG = "log"  # with base and offset
    RATIO = "ratio"
    PERCENT = "percent"


class ModeratorKind(StrEnum):
    NUMBER = "number"
    LEVEL = "level"
    TEXT = "text"


class Verdict(StrEnum):
    IDENTICAL = "identical"
    ROUNDING = "rounding"
    EQUIVALENT = "equivalent"
    ONE_MISSING = "one_missing"
    DIFFERENT = "different"


ACCEPTED_VERDICTS = frozenset({Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.EQUIVALENT})


class Subject(StrEnum):
    """What a match joins and what a difference is about."""

    ARM = "arm"
    TIMEPOINT = "timepoint"
    OUTCOME = "outcome"
    OBSERVATION = "observation"
    CONTRAST = "contrast"
    CHARACTERISTIC = "characteristic"


class Side(StrEnum):
    A = "A"
    B = "B"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number as printed and as understood: "<0.5" is 0.5 with the qualifier LESS, never just 0.5."""

    status: Status = Status.UNSAID
    printed: str = ""
    value: float | None = None
    qualifier: Qualifier = Qualifier.EQUAL


@dataclass(frozen=True, slots=True)
class Spread:
    """A spread: one number (SD, SE, width of an IQR) or two ends (`TWO_ENDED`), a CI with its level in percent."""

    kind: SpreadKind = SpreadKind.NONE
    status: Status = Status.UNSAID
    printed: str = ""
    value: float | None = None
    qualifier: Qualifier = Qualifier.EQUAL
    low_printed: str = ""
    low: float | None = None
    high_printed: str = ""
    high: float | None = None
    level: float | None = None  # percent, 95.0


@dataclass(frozen=True, slots=True)
class Report:
    """One of the publications about a trial, as a source names it."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    page: str = ""
    place: str = ""  # table or figure, as named in the report
    quote: str = ""
    report: Report | None = None  # which of several

    @property
    def report_name(self) -> str:
        return self.report.name if self.report else ""


@dataclass(frozen=True, slots=True)
class Arm:
    key: str
    label: str
    role: Role = Role.INTERVENTION
    intervention: str = ""  # code in the review's vocabulary; "" where none is chosen
    control_kind: str = ""
    n_randomised: Quantity = Quantity()
    eligible: bool = True
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class Timepoint:
    key: str
    phase: Phase
    printed: str = ""
    weeks: float | None = None  # from randomisation
    weeks_after_end: float | None = None  # from the end of treatment


@dataclass(frozen=True, slots=True)
class Outcome:
    key: str
    name: str  # as printed
    marker: str = ""  # code in the review's vocabulary; "" until a lead adds it
    specimen: str = ""
    assay: str = ""
    condition: Condition = Condition.UNSAID
    stimulus: str = ""
    dose: str = ""
    unit: str = ""
    scale: Scale = Scale.RAW
    scale_base: str = ""  # of a log scale: "e", "2", "10"
    scale_offset: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    key: str
    arm: str
    timepoint: str
    outcome: str
    quantity: QuantityKind = QuantityKind.SCORE
    n: Quantity = Quantity()
    centre_kind: CentreKind = CentreKind.NONE
    centre: Quantity = Quantity()
    spread: Spread = Spread()
    source: Source = Source()
    notes: str = ""


@dataclass(frozen=True, slots=True)
class ContrastStatistic:
    """A statistic of one outcome at one time: of `arm` against `versus`, or within `arm` against its own baseline.

    A difference is `arm` minus `versus`, as the report has it. `df.printed` may hold both degrees of freedom of an F
    ("1, 48"); `df.value` is then the second.
    """

    key: str
    arm: str
    timepoint: str
    outcome: str
    statistic: Statistic
    versus: str = ""  # "" within one arm
    value: Quantity = Quantity()
    interval: Spread = Spread()  # a CI of a difference, or nothing
    df: Quantity = Quantity()
    adjusted: str = ""  # for what, in words
    source: Source = Source()
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Characteristic:
    """The value of a moderator for the trial (arm "") or for one arm, typed by the moderator's kind."""

    key: str
    moderator: str
    kind: ModeratorKind
    arm: str = ""
    status: Status = Status.UNSAID
    printed: str = ""
    value: float | None = None  # of a number
    level: str = ""  # code of a level


@dataclass(frozen=True, slots=True)
class Entry:
    """All that one slot says of one trial."""

    arms: tuple[Arm, ...] = ()
    timepoints: tuple[Timepoint, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    observations: tuple[Observation, ...] = ()
    characteristics: tuple[Characteristic, ...] = ()
    contrasts: tuple[ContrastStatistic, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """ "A's arm 2 is B's arm 1": several keys on one side are a merge, none on one side is "only the other saw it"."""

    subject: Subject
    a: tuple[str, ...]
    b: tuple[str, ...]
    exact: bool  # confirms itself
    score: float  # 0 to 1
    reason: str  # in words


@dataclass(frozen=True, slots=True)
class Difference:
    """One compared unit on which A and B do not say the same.

    `field` is "n", "centre", "spread", the name of a field of an arm, timepoint or outcome, "value" of a
    characteristic, "value", "interval" or "df" of a contrast, or "row": an observation or contrast that one side
    lacks, or an arm, timepoint or outcome that it lacks and on which none of these stands. `takes` is the side whose
    printed form enters FINAL when the verdict is accepted without a person; None while a person must decide.
    """

    subject: Subject
    field: str
    a: str | None  # key of A's row
    b: str | None
    verdict: Verdict
    a_says: str  # as shown: "SD 2.1", "12", "present", "–"
    b_says: str
    worked: str = ""  # the line that shows why two forms are called equivalent, or a hint that is not accepted
    takes: Side | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why two values may differ, with its sum: code "se_as_sd", evidence "B / A = 0.204 ≈ 1/√24"."""

    code: str
    evidence: str
    suggests: Side | None  # the side that looks right, None where nothing points to one
