"""The information X'WX of weighted least squares: inverted, or refused where weights differ too much for that."""

from __future__ import annotations

from typing import cast

import numpy as np

from analysis.stats.errors import NotEstimable
from analysis.stats.inputs import Array


def covariance_of(information: Array) -> Array:
    """(X'WX)⁻¹, shape (..., p, p).

    Raises
    ------
    NotEstimable
        If the information is singular to rounding although the columns of X differ: the weights do that.
    """
    try:
        M = cast(Array, np.linalg.inv(information))
    except np.linalg.LinAlgError:
        raise _too_uneven() from None
    if not (np.diagonal(M, axis1=-2, axis2=-1) > 0.0).all():
        raise _too_uneven()
    return M


def lower_root(M: Array) -> Array:
    """L with LL' = M; the same refusal."""
    try:
        return cast(Array, np.linalg.cholesky(M))
    except np.linalg.LinAlgError:
        raise _too_uneven() from None


def _too_uneven() -> NotEstimable:
    return NotEstimable(
        "The sampling variances differ so much that some effects have no weight beside the others, and too few are "
        "left to tell the coefficients apart."
    )
