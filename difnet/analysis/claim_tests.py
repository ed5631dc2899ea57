"""The tests of a claim: differences between variants, and costs from `timing.csv` and `growth.csv`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from scipy.stats import norm

from difnet.analysis.claim_schema import ClaimOfPaper, CostClaim, DifferenceClaim
from difnet.analysis.estimates import CONFIDENCE, Component, Estimate
from difnet.analysis.study import Study
from difnet.config.errors import InputError
from difnet.tables import GrowthRow, TimingRow


@dataclass(frozen=True, kw_only=True)
class ClaimTest:
    """One test of a claim, so turned that the claim says `estimate > null`.

    Attributes:
        quantity: `difference` of a score (variant - reference), `ratio` of a cost (reference / variant) or
            `exponent` of its growth (reference - variant).
        metric: The score or cost.
        variant: The side that the claim favours.
        reference: The other side.
        bound: What the claim says is exceeded.
        estimate: The number, of a ratio its logarithm; None when not run.
        reason: Why it was not run.
        equivalence: Half-width of the band around `bound` within which the claim counts as not reproduced.
        optional: Left out where it was not run.
        device: Where a cost was measured.
        nodes: Number of nodes at which a cost decides.
    """

    quantity: Literal["difference", "ratio", "exponent"]
    metric: str
    variant: str
    reference: str
    bound: float
    estimate: Estimate | None
    reason: str = ""
    equivalence: float = 0.0
    optional: bool = False
    device: str = ""
    nodes: int = 0

    @property
    def null(self) -> float:
        """The bound on the scale of the estimate."""
        return math.log(self.bound) if self.quantity == "ratio" else self.bound

    @property
    def p_value(self) -> float:
        """Two-sided p-value against the bound; nan when not run."""
        return math.nan if self.estimate is None else self.estimate.p_value(self.null)


def claim_tests(
    claim: ClaimOfPaper,
    study: Study,
    timings: Sequence[TimingRow],
    growth: Sequence[GrowthRow],
    *,
    equivalence: float,
) -> list[ClaimTest]:
    """The tests that must all hold for a claim; none counts as run on data that it says nothing about.

    Args:
        claim: One claim of `workflow/claims.yaml`.
        study: The runs.
        timings: Rows of `timing.csv`; none when nothing was timed.
        growth: Rows of `growth.csv`; likewise.
        equivalence: Half-width of the band of a superiority claim.

    Raises:
        InputError: If the claim names an unknown metric.
    """
    if isinstance(claim, CostClaim):
        tests = [test for metric in claim.metrics for test in _cost_tests(claim, metric, timings, growth)]
    else:
        assert isinstance(claim, DifferenceClaim)
        tests = _difference_tests(claim, study, equivalence)
    if limit := claim.limit(study.dataset):
        return [replace(test, estimate=None, reason=limit) for test in tests]
    return tests


def _difference_tests(claim: DifferenceClaim, study: Study, equivalence: float) -> list[ClaimTest]:
    """One test a pair of variants."""
    if claim.metric not in study.metrics:
        known = ", ".join(study.metrics)
        raise InputError(f"claim {claim.id}: unknown metric '{claim.metric}'; known are {known}")
    superiority = claim.form == "superiority"
    tests = []
    for pair in claim.tests:
        better, worse = pair.variant, pair.reference
        if claim.direction == "lower":
            better, worse = worse, better
        reason = _not_compared(study, better, worse)
        test = ClaimTest(
            quantity="difference",
            metric=claim.metric,
            variant=better,
            reference=worse,
            bound=claim.margin if superiority else -claim.margin,
            estimate=None if reason else study.difference(better, worse, claim.metric)[0],
            reason=reason,
            equivalence=equivalence if superiority else 0.0,
            optional=pair.optional,
        )
        tests.append(test)
    return tests


def _not_compared(study: Study, *variants: str) -> str:
    """Why two variants have no difference; empty where they have one."""
    if missing := [variant for variant in variants if not study.seeds(variant)]:
        return f"no run of {' and '.join(missing)}"
    first, second = (set(study.seeds(variant)) for variant in variants)
    return "" if first & second else "no common seed"


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
