"""Results as the reference cases write them: plain numbers and lists, null for what is not available."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def listed(values: ArrayLike) -> list[Any]:
    """An array as nested lists with None in the place of NaN."""
    array = np.asarray(values)
    if array.ndim > 1:
        return [listed(row) for row in array]
    if array.dtype.kind != "f":
        return list(array.tolist())
    return [None if np.isnan(value) else float(value) for value in array]


def number(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)
