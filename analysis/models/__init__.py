"""What the review wants computed, what was asked for, and what was computed."""

from analysis.models.request import Claim, RecomputeRequest
from analysis.models.result import CurrentResult, Effect, PooledResult, ResultCoefficient, Snapshot, SnapshotTrial
from analysis.models.synthesis import Synthesis

__all__ = [
    "Claim", "CurrentResult", "Effect", "PooledResult", "RecomputeRequest", "ResultCoefficient", "Snapshot",
    "SnapshotTrial", "Synthesis",
]  # fmt: skip
