"""The tests of a claim about costs, from `timing.csv` and `growth.csv`: on one device and real features."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from difnet.analysis.claim_tests import ClaimTest
from difnet.analysis.estimates import Component, Estimate
from difnet.config.claims import CostClaim
from difnet.tables import NO_GPU, GrowthRow, TimingRow

REAL_FEATURES = ("trained", "start")
"""Features that a claim may rest on, the better ones first."""
REPEATS, EXACT = "repeats", "exact"
"""What an interval is over; where all repeats are equal, as counts of bytes are, it is a point."""


def cost_tests(
    claim: CostClaim, timings: Sequence[TimingRow], growth: Sequence[GrowthRow]
) -> list[ClaimTest]:
    """For each metric, the ratio at the largest common size and the difference of the growth exponents there.

    Args:
        claim: Its metrics, the subjects on both sides, the bounds.
        timings: Rows of `timing.csv`.
        growth: Rows of `growth.csv`.

    Returns:
        Two tests a metric; one that has no numbers says why.
    """
    device = _device(timings)
    return [test for metric in claim.metrics for test in _tests(claim, metric, device, timings, growth)]


def _device(timings: Iterable[TimingRow]) -> str:
    """The device that trains: a GPU where there is one, whatever ran on it and however it compares."""
    present = {row.device for row in timings if row.status != NO_GPU}
    return "cuda" if "cuda" in present else "cpu"


def _tests(
    claim: CostClaim,
    metric: str,
    device: str,
    timings: Sequence[TimingRow],
    growth: Sequence[GrowthRow],
) -> list[ClaimTest]:
    ratio = ClaimTest(
        quantity="ratio",
        metric=metric,
        variant=claim.variant,
        reference=" | ".join(claim.references),
        bound=claim.ratio,
        estimate=None,
        reason=f"no size from N = {claim.nodes_from:,} at which both were measured on {device}"
        if timings
        else "nothing was timed",
    )
    usable = [
        row
        for row in timings
        if (row.metric, row.device, row.status) == (metric, device, "ok")
        and row.features in REAL_FEATURES
        and row.nodes >= claim.nodes_from
        and math.isfinite(row.log_value)
    ]
    pair = _deciding_pair(claim, usable)
    if pair is None:
        return [ratio, replace(ratio, quantity="exponent", bound=claim.exponent_margin)]
    own, other = pair
    ratio = replace(ratio, reference=other.subject, device=device, nodes=own.nodes)
    gap = _exponent_gap(claim, own, other, growth)
    return [
        replace(ratio, estimate=_difference(other.log_value, own.log_value, other, own), reason=""),
        replace(
            ratio,
            quantity="exponent",
            bound=claim.exponent_margin,
            estimate=gap,
            reason="" if gap else f"fewer than three sizes from N = {claim.nodes_from:,} that both can do",
        ),
    ]


def _deciding_pair(claim: CostClaim, usable: Sequence[TimingRow]) -> tuple[TimingRow, TimingRow] | None:
    """The rows of the variant and of the cheapest reference at the largest size that both can do.

    The better features go before the larger size; of several precisions, classes and batch sizes, the one
    that reaches the largest size decides, else the first.
    """
    pairs = []
    for own in sorted((row for row in usable if row.subject == claim.variant), key=_setting):
        others = [
            row
            for row in usable
            if row.subject in claim.references and (_setting(row), row.nodes) == (_setting(own), own.nodes)
        ]
        if others:
            pairs.append((own, min(others, key=lambda row: row.log_value)))
    return max(pairs, key=lambda pair: (-REAL_FEATURES.index(pair[0].features), pair[0].nodes), default=None)


def _exponent_gap(
    claim: CostClaim, own: TimingRow, other: TimingRow, growth: Sequence[GrowthRow]
) -> Estimate | None:
    """Local growth exponent of the other less the own, through the same sizes; None where one has none."""
    ending_here = {
        row.subject: row
        for row in growth
        if (row.device, row.metric, row.nodes) == (own.device, own.metric, own.nodes)
        and _setting(row) == _setting(own)
        and row.nodes_from >= claim.nodes_from
    }
    slow, fast = ending_here.get(own.subject), ending_here.get(other.subject)
    if slow is None or fast is None or slow.nodes_from != fast.nodes_from:
        return None
    return _difference(fast.exponent, slow.exponent, fast, slow)


def _setting(row: TimingRow | GrowthRow) -> tuple[str, int, int, str]:
    return row.dtype, row.classes, row.batch, row.features


def _difference(larger: float, smaller: float, *rows: TimingRow | GrowthRow) -> Estimate:
    """With the error of both sides, each with its own degrees of freedom."""
    components = tuple(
        Component(row.standard_error**2, row.degrees) for row in rows if row.standard_error != 0
    )
    return Estimate(larger - smaller, components, REPEATS if components else EXACT)
