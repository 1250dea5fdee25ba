"""What the engine refuses, each with a sentence a reviewer understands.

Every function of `analysis.stats` either returns a finite, defined result or raises one of these; it never
warns and hands back NaN or infinity. All of them are `ValueError`s: the fault lies in what was asked, not
in the engine.
"""


class StatsError(ValueError):
    """Base of all refusals of the statistics engine; its text may be shown to a reviewer as it is."""


class InvalidInput(StatsError):
    """Numbers that cannot be what they are said to be: differing lengths, not finite, out of range."""


class InvalidVariance(InvalidInput):
    """A sampling variance, standard deviation or standard error that is negative, zero or not finite."""


class UnknownOption(StatsError):
    """A method, measure or option the engine does not have; the text lists those it has."""


class TooFewEffects(StatsError):
    """Fewer effects than the method needs to estimate anything."""


class TooFewClusters(TooFewEffects):
    """Fewer independent clusters (trials) than the method needs."""


class RankDeficient(StatsError):
    """Moderators that cannot be told apart: the model matrix has redundant columns."""


class NotPositiveDefinite(StatsError):
    """Covariances that no set of estimates can have: the matrix is not positive definite."""


class NotConverged(StatsError):
    """An iterative estimate that did not reach its optimum."""


class NotEstimable(StatsError):
    """The data are valid but say nothing about the quantity asked for."""
