"""A number with its sources of chance: interval, p-value, detectable difference; and Holm's correction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import t as student

CONFIDENCE = 0.95
POWER = 0.80
SMALLEST_P = 1e-4
"""P-values are not resolved below this: no few numbers show how far a distribution's tails reach."""


@dataclass(frozen=True)
class Component:
    """One source of chance.

    Attributes:
        variance: Its part of the variance of the estimate.
        degrees: Degrees of freedom with which that variance is known; infinity when it is given.
        over: What varies.
    """

    variance: float
    degrees: float
    over: Literal["images", "seeds", "repeats"] = "repeats"


@dataclass(frozen=True)
class Estimate:
    """An estimate whose error is the sum of independent parts, each known to few or many degrees of freedom.

    The half-width of an interval is the root of the sum over parts of t_i^2 v_i, each variance v_i with
    Student's quantile t_i of its own degrees of freedom (Welch, 1956; Graybill and Wang, JASA 1980). With one
    part it is the t interval.

    Attributes:
        value: The estimate.
        components: Its parts of chance; none for a number that is exact, a nan variance for one about which
            nothing is known: its interval is nan.
        unit: What the interval generalises over, in words.
        limit: Why no verdict rests on it (`two seeds`); empty where one may. It has no p-value then.
        share: Whether it is a share between 0 and 1: its interval is one of its log-odds, turned back.
    """

    value: float
    components: tuple[Component, ...]
    unit: str
    limit: str = ""
    share: bool = False

    @property
    def standard_error(self) -> float:
        """Root of the summed variances."""
        return math.sqrt(sum(part.variance for part in self.components))

    def half_width(self, confidence: float) -> float:
        """Half the width of the two-sided interval at a confidence level, of a share before it is bent."""
        squares = (
            _quantile((1 - confidence) / 2, part.degrees) ** 2 * part.variance
            for part in self.components
            if part.variance != 0
        )
        return math.sqrt(sum(squares))

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Two-sided interval at a confidence level."""
        half = self.half_width(confidence)
        if self.share and 0 < self.value < 1:
            return self._odds_moved(-half), self._odds_moved(half)
        return self.value - half, self.value + half

    def _odds_moved(self, by: float) -> float:
        """The share whose log-odds differ by `by`, on the scale of shares around the value."""
        slope = self.value * (1 - self.value)
        odds = math.log(self.value / (1 - self.value)) + by / slope
        return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0

    def p_value(self, null: float = 0.0) -> float:
        """Two-sided p-value of `value == null`: 1 - the confidence of the interval that just touches it.

        Returns:
            A number in [1e-4, 1]; 1 when the value equals `null`; nan where `limit` says why, the interval is
            nan, or a sample without any variation leaves no measure of chance.
        """
        distance = abs(self.value - null)
        if self.limit or math.isnan(distance) or math.isnan(self.standard_error):
            return math.nan
        if distance == 0:
            return 1.0
        if self.components and self.standard_error == 0:
            return math.nan
        if self.half_width(1 - SMALLEST_P) <= distance:
            return SMALLEST_P
        log_p = brentq(lambda log: self.half_width(1 - math.exp(log)) - distance, math.log(SMALLEST_P), 0.0)
        return math.exp(log_p)

    def detectable(self, confidence: float = CONFIDENCE) -> float:
        """Smallest true difference that a study of this size shows at a confidence with 80% power."""
        return self.half_width(confidence) + self.half_width(2 * POWER - 1)


@lru_cache(maxsize=4096)
def _quantile(tail: float, degrees: float) -> float:
    """Student's quantile with this share of the distribution above it."""
    return float(student.isf(tail, degrees))


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


def holm_confidence(p_values: ArrayLike, alpha: float = 1 - CONFIDENCE) -> NDArray[np.float64]:
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
