"""Correction for several comparisons (Holm, Scandinavian Journal of Statistics 1979)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm_adjusted(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm-adjusted p-values of one family; nan (no test) stays nan and does not count."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[: int(np.isfinite(p).sum())]
    factors = np.arange(len(order), 0, -1)
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return adjusted


def holm_confidence(p_values: ArrayLike, alpha: float = 0.05) -> NDArray[np.float64]:
    """Confidence level at which the interval of each comparison agrees with Holm's decision about it.

    The k-th smallest p-value of m is tested at alpha / (m - k + 1) until one is not rejected; that level
    holds for all that follow. Nan (no test) gives nan.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[: int(np.isfinite(p).sum())]
    levels = np.full(p.shape, np.nan)
    remaining = len(order)
    for index in order:
        levels[index] = 1 - alpha / remaining
        if p[index] <= alpha / remaining:
            remaining = max(1, remaining - 1)
        else:
            break
    levels[order] = np.where(np.isnan(levels[order]), 1 - alpha / max(1, remaining), levels[order])
    return levels
