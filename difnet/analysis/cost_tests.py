"""The tests of a claim about costs, from `timing.csv` and `growth.csv`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from scipy.stats import norm

from difnet.analysis.claim_tests import ClaimTest
from difnet.analysis.estimates import CONFIDENCE, Component, Estimate
from difnet.config.claims import CostClaim
from difnet.tables import GrowthRow, TimingRow


def cost_tests(
    claim: CostClaim, timings: Sequence[TimingRow], growth: Sequence[GrowthRow]
) -> list[ClaimTest]:
    """Two tests a cost: its ratio at the largest common size, and the difference of growth exponents."""
    return [test for metric in claim.metrics for test in _cost_tests(claim, metric, timings, growth)]


def _cost_tests(
    claim: CostClaim, metric: str, timings: Sequence[TimingRow], growth: Sequence[GrowthRow]
) -> list[ClaimTest]:
    """The ratio of costs at the largest common size, and the difference of their growth exponents."""
    ratio = ClaimTest(
        quantity="ratio",
        metric=metric,
        variant=claim.variant,
        reference=" | ".join(claim.references),
        bound=claim.ratio,
        estimate=None,
        reason="no size at which both were measured",
    )
    exponent = replace(ratio, quantity="exponent", bound=claim.exponent_margin)
    pair = _deciding_pair(claim, metric, timings)
    if pair is None:
        return [ratio, exponent]
    own, other = pair
    gap = _exponent_gap(own, other, growth)
    return [
        replace(test, reference=other.subject, device=own.device, nodes=own.nodes, estimate=found, reason=why)
        for test, found, why in (
            (ratio, _log_ratio(own, other), ""),
            (exponent, gap, "" if gap else "too few sizes for an exponent"),
        )
    ]


def _deciding_pair(
    claim: CostClaim, metric: str, timings: Sequence[TimingRow]
) -> tuple[TimingRow, TimingRow] | None:
    """The rows of the variant and of the cheapest reference at the largest size that both can do.

    Of several devices and precisions, the one that reaches the largest size decides.
    """
    measured = [row for row in timings if row.metric == metric and row.status == "ok" and row.value > 0]
    pairs = []
    for own in sorted((row for row in measured if row.subject == claim.variant), key=_setting):
        others = [
            row
            for row in measured
            if row.subject in claim.references and _setting(row) == _setting(own) and row.nodes == own.nodes
        ]
        if others:
            pairs.append((own, min(others, key=lambda row: row.value)))
    return max(pairs, key=lambda pair: pair[0].nodes, default=None)


def _setting(row: TimingRow) -> tuple[str, str, int, int]:
    return row.device, row.dtype, row.classes, row.batch


def _log_ratio(own: TimingRow, other: TimingRow) -> Estimate:
    """Of the costs, other / own; the variance of each side is read off its interval on the log scale."""
    variances = (
        _variance(math.log(row.ci_low), math.log(row.ci_high)) if row.ci_low > 0 else math.nan
        for row in (own, other)
    )
    return _over_repeats(math.log(other.value / own.value), sum(variances))


def _exponent_gap(own: TimingRow, other: TimingRow, growth: Sequence[GrowthRow]) -> Estimate | None:
    """Growth exponent of the other less the own; None where one has none."""
    fitted = {
        (row.subject, row.device, row.dtype, row.metric): row
        for row in growth
        if not math.isnan(row.exponent)
    }
    slow, fast = (fitted.get((row.subject, row.device, row.dtype, row.metric)) for row in (own, other))
    if slow is None or fast is None:
        return None
    variance = _variance(slow.ci_low, slow.ci_high) + _variance(fast.ci_low, fast.ci_high)
    return _over_repeats(fast.exponent - slow.exponent, variance)


def _variance(low: float, high: float) -> float:
    """Variance of a normal estimate from its 95% interval; nan when the interval is."""
    return float(((high - low) / (2 * norm.isf((1 - CONFIDENCE) / 2))) ** 2)


def _over_repeats(value: float, variance: float) -> Estimate:
    return Estimate(value, (Component(variance, math.inf),), "repeats")
