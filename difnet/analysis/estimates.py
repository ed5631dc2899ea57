"""A number with its sources of chance: interval, p-value, detectable difference; and Holm's correction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import t as student

CONFIDENCE = 0.95
POWER = 0.80
SMALLEST_P = 1e-12
"""P-values are not resolved below this."""


@dataclass(frozen=True)
class Component:
    """One source of chance.

    Attributes:
        variance: Its part of the variance of the estimate.
        degrees: Degrees of freedom with which that variance is known; infinity when it is given.
    """

    variance: float
    degrees: float


@dataclass(frozen=True)
class Estimate:
    """An estimate whose error is the sum of independent parts, each known to few or many degrees of freedom.

    The half-width of an interval is the root of the sum over parts of t_i^2 v_i, each variance v_i with
    Student's quantile t_i of its own degrees of freedom (Welch, 1956; Graybill and Wang, JASA 1980). With one
    part it is the t interval. With two it errs on the wide side by a few per cent where Satterthwaite's
    single t falls short of the nominal coverage (docs/statistics.md has both).

    Attributes:
        value: The estimate.
        components: Its parts of chance; a nan variance makes the interval nan.
        unit: What the interval generalises over, in words.
    """

    value: float
    components: tuple[Component, ...]
    unit: str

    @property
    def standard_error(self) -> float:
        """Root of the summed variances."""
        return math.sqrt(sum(part.variance for part in self.components))

    def half_width(self, confidence: float) -> float:
        """Half the width of the two-sided interval at a confidence level."""
        squares = (
            student.isf((1 - confidence) / 2, part.degrees) ** 2 * part.variance
            for part in self.components
            if part.variance != 0
        )
        return math.sqrt(sum(squares))

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Two-sided interval at a confidence level."""
        half = self.half_width(confidence)
        return self.value - half, self.value + half

    def p_value(self, null: float = 0.0) -> float:
        """Two-sided p-value of `value == null`: 1 - the confidence of the interval that just touches it.

        Returns:
            A number in [1e-12, 1]; 1 when the value equals `null`; nan when the interval is nan.
        """
        distance = abs(self.value - null)
        if math.isnan(distance) or math.isnan(self.standard_error):
            return math.nan
        if distance == 0:
            return 1.0
        if self.half_width(1 - SMALLEST_P) <= distance:
            return SMALLEST_P
        log_p = brentq(lambda log: self.half_width(1 - math.exp(log)) - distance, math.log(SMALLEST_P), 0.0)
        return math.exp(log_p)

    def detectable(self) -> float:
        """Smallest true difference that a study of this size shows (95% confidence) with 80% power."""
        return self.half_width(CONFIDENCE) + self.half_width(2 * POWER - 1)


def holm_adjusted(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm-adjusted p-values of one family; nan (no test) stays nan and does not count.

    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics, 1979.
    """
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
