"""The line that a meta-regression predicts along one moderator, the others held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.errors import InvalidInput, UnknownOption
from analysis.stats.inputs import Array, vector
from analysis.stats.moderators.terms import Factor, ModelMatrix, Number
from analysis.stats.multilevel import Multilevel
from analysis.stats.pooling import Pooled
from analysis.stats.prediction import Predicted, predict
from analysis.stats.robust import RobustFit, Sandwich

POINTS = 51


@dataclass(frozen=True, eq=False)
class Curve:
    """Predictions along a continuous moderator.

    Attributes
    ----------
    x : shape (n,), values of the moderator on its own scale.
    held : values at which the other moderators stand.
    predicted : mean, confidence and prediction bounds at each x.
    """

    moderator: str
    x: Array
    held: dict[str, Any]
    predicted: Predicted


def curve(
    fit: Pooled | Multilevel | RobustFit | Sandwich,
    matrix: ModelMatrix,
    moderator: str,
    *,
    at: ArrayLike | None = None,
    held: dict[str, Any] | None = None,
    level: float | None = None,
    kind: str = "default",
) -> Curve:
    """Predicted mean along a continuous moderator.

    Parameters
    ----------
    fit : a model fitted with `matrix.X`
    matrix : the model matrix
    moderator : name of a continuous moderator
    at : shape (n,), optional
        Values on the moderator's own scale; evenly over its range where not given.
    held : values of other moderators; where not given, factors stand at their first level (the reference), numbers at
        their mean.
    level, kind : as in `prediction.predict`

    Raises
    ------
    InvalidInput, UnknownOption
    """
    term = matrix.terms.get(moderator)
    if not isinstance(term, Number):
        raise UnknownOption(f"{moderator!r} is not a continuous moderator of this model.")
    unknown = (held or {}).keys() - (matrix.terms.keys() - {moderator})
    if unknown:
        raise InvalidInput(f"Not another moderator of this model: {', '.join(sorted(unknown))}.")
    used = ~np.isnan(matrix.X).any(axis=1)
    if at is None:
        own = term.columns[used, 0] * term.scale + term.centre
        x = np.linspace(own.min(), own.max(), POINTS)
    else:
        x = vector(at, f"The values of {moderator}")
    values: dict[str, Any] = {}
    for name, other in matrix.terms.items():
        if name != moderator:
            given = held is not None and name in held
            values[name] = held[name] if held is not None and given else _usual(other, used)
    rows = np.array([matrix.row(**{moderator: point, **values}) for point in x])
    return Curve(moderator, x, values, predict(fit, rows, level=level, kind=kind))


def _usual(term: Factor | Number, used: Any) -> Any:
    """The reference level, or the mean."""
    if isinstance(term, Factor):
        return term.levels[0]
    return float(term.columns[used, 0].mean()) * term.scale + term.centre
