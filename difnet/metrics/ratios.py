"""Ratios of counts, with nan where nothing was counted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ratio(numerators: ArrayLike, denominators: ArrayLike) -> NDArray[np.float64]:
    """Elementwise numerators / denominators; nan where the denominator is 0."""
    top, bottom = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    quotient = np.full(np.broadcast(top, bottom).shape, np.nan)
    np.divide(top, bottom, out=quotient, where=bottom > 0)
    return quotient


def mean_counted(values: ArrayLike, axis: int = -1) -> Any:
    """Mean along an axis of the entries that are not nan; nan where all of them are."""
    array = np.asarray(values, dtype=np.float64)
    counted = ~np.isnan(array)
    return ratio(np.where(counted, array, 0.0).sum(axis=axis), counted.sum(axis=axis))


def mean_ratio(numerators: ArrayLike, denominators: ArrayLike) -> Any:
    """Mean along the last axis of the ratios that are defined: (...,K), (...,K) -> (...)."""
    return mean_counted(ratio(numerators, denominators))
