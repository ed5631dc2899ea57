"""The claim about costs on constructed tables: one device, real features, local exponents, exact counts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from difnet.analysis.claim_tests import ClaimTest
from difnet.analysis.cost_tests import cost_tests
from difnet.analysis.verdicts import claim_verdict
from difnet.config.claims import CostClaim
from difnet.tables import GROWTH, TIMING, GrowthRow, TimingRow
from difnet.timing import fit_growth
from difnet.timing.protocol import log_mean

METRICS = ("latency_ms", "peak_memory_mb")
SIZES = (256, 1024, 2048, 4096)
CLAIM = CostClaim(
    id="C4",
    statement="Walks cost less",
    family="exploratory",
    scope="all",
    form="cost",
    metrics=METRICS,
    variant="cascade",
    references=["dense_inverse_cupy", "dense_inverse_scipy", "dense_inverse_torch"],
    nodes_from=1024,
    ratio=1.0,
    exponent_margin=0.3,
)
COSTS = {"cascade": (0.1, 2.0), "dense_inverse_scipy": (0.5, 3.0), "dense_inverse_torch": (1.0, 3.0)}
"""Value at 1,024 nodes and exponent."""


def timing_row(subject: str, nodes: int, value: float, error: float = 0.02, **changes: object) -> TimingRow:
    """A measurement with seven repeats; without a value, one that could not be had."""
    row = TimingRow(
        *(subject, "cpu", "float32", nodes, 21, 1, "latency_ms", value, value, value, "ok"),
        features="trained",
        log_value=math.log(value),
        standard_error=error,
        degrees=4,
        foreign_share=0.0,
    )
    return replace(row, **changes)


def curves(costs: dict[str, tuple[float, float]] = COSTS, sizes=SIZES, **changes: object) -> list[TimingRow]:
    """Time as the costs say; memory as much, counted exactly."""
    return [
        timing_row(subject, nodes, value * (nodes / 1024) ** power, error, metric=metric, **changes)
        for metric, error in zip(METRICS, (0.02, 0.0), strict=True)
        for subject, (value, power) in costs.items()
        for nodes in sizes
    ]


def claimed(rows: list[TimingRow]) -> list[ClaimTest]:
    """Ratio and exponent of time, then of memory."""
    return cost_tests(CLAIM, rows, growth_of(rows))


def growth_of(rows: list[TimingRow]) -> list[GrowthRow]:

    return GROWTH.rows(fit_growth(TIMING.frame(rows)))


def test_the_cheapest_reference_decides_at_the_largest_size() -> None:
    tests = claimed(curves())
    assert [(test.metric, test.quantity) for test in tests] == [
        (metric, quantity) for metric in METRICS for quantity in ("ratio", "exponent")
    ]
    assert {(test.reference, test.device, test.nodes) for test in tests} == {
        ("dense_inverse_scipy", "cpu", 4096)
    }
    ratio, exponent = (test.estimate for test in tests[:2])
    assert ratio is not None and exponent is not None
    assert math.exp(ratio.value) == pytest.approx(5 * 4) and exponent.value == pytest.approx(1.0)
    assert claim_verdict(tests, 0.99) == "reproduced"


def test_degrees_of_freedom_are_carried_through() -> None:
    """Two sides of 2% with four degrees of freedom each; an exponent over a factor of four in N."""
    ratio, exponent = (test.estimate for test in claimed(curves())[:2])
    assert ratio is not None and exponent is not None
    assert ratio.half_width(0.95) == pytest.approx(student.isf(0.025, 4) * 0.02 * math.sqrt(2))
    assert exponent.half_width(0.95) == pytest.approx(student.isf(0.025, 4) * 2 * 0.02 / math.log(4))
    assert ratio.unit == exponent.unit == "repeats"
    assert {part.degrees for part in ratio.components + exponent.components} == {4}


def test_a_count_without_variance_is_a_point() -> None:
    ratio, exponent = (test.estimate for test in claimed(curves())[2:])
    assert ratio is not None and exponent is not None
    assert ratio.unit == exponent.unit == "exact" and ratio.components == exponent.components == ()
    assert ratio.interval(0.999) == (ratio.value, ratio.value)
    assert math.exp(ratio.value) == pytest.approx(20)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "reproduced"),
        ({"cascade": (10.0, 2.0)}, "not reproduced"),  # slower
        ({"cascade": (0.1, 2.95)}, "not reproduced"),  # grows as fast
        ({"cascade": (0.1, 2.69)}, "inconclusive"),  # just about by the margin
    ],
)
def test_verdict(changed: dict[str, tuple[float, float]], verdict: str) -> None:
    time = [row for row in curves({**COSTS, **changed}) if row.metric == "latency_ms"]
    memory = [row for row in curves() if row.metric == "peak_memory_mb"]
    assert claim_verdict(claimed(time + memory), 0.05) == verdict


def test_memory_alone_decides_against_it() -> None:
    time = [row for row in curves() if row.metric == "latency_ms"]
    memory = [row for row in curves({**COSTS, "cascade": (0.1, 2.71)}) if row.metric == "peak_memory_mb"]
    assert claim_verdict(claimed(time + memory), 0.99) == "not reproduced"


def test_one_device_for_the_whole_claim() -> None:
    """The GPU, though the CPU reaches as far or farther, and though memory could be compared there alone."""
    here = curves()
    there = [row for row in curves(device="cuda", sizes=(1024, 2048, 4096)) if row.metric == "latency_ms"]
    tests = claimed(here + there)
    assert {test.device for test in tests if test.estimate} == {"cuda"}
    assert [test.reason for test in tests[2:]] == [
        "no size from N = 1,024 at which both were measured on cuda"
    ] * 2
    out_of_memory = [replace(row, status="does_not_fit") for row in there]
    assert all(test.estimate is None for test in claimed(here + out_of_memory))
    no_gpu = [replace(row, status="not_run (no GPU)") for row in there]
    assert {test.device for test in claimed(here + no_gpu)} == {"cpu"}


def test_a_tie_between_devices_goes_to_the_gpu() -> None:
    assert {test.device for test in claimed(curves() + curves(device="cuda"))} == {"cuda"}
    assert {test.device for test in claimed(curves(device="cuda") + curves())} == {"cuda"}


def test_both_sides_are_fitted_over_the_same_sizes() -> None:
    """The walk goes on to 8,192 nodes and bends there; the dense inverse ends at 4,096."""
    rows = curves()
    beyond = [timing_row("cascade", 8192, 1e4, metric=metric) for metric in METRICS]
    assert [test.estimate for test in claimed(rows + beyond)] == [test.estimate for test in claimed(rows)]


def test_small_sizes_do_not_count() -> None:
    rows = curves(sizes=(256, 512, 1024, 2048))
    ratio, exponent, *_ = claimed(rows)
    assert ratio.nodes == 2048
    assert exponent.reason == "fewer than three sizes from N = 1,024 that both can do"
    assert claim_verdict(claimed(rows), 0.05) == "not run"
    assert claimed(curves(sizes=(256, 512)))[0].reason.startswith("no size from N = 1,024")
    assert claimed([])[0].reference == "dense_inverse_cupy | dense_inverse_scipy | dense_inverse_torch"


def test_random_features_decide_nothing() -> None:
    assert all(test.estimate is None for test in claimed(curves(features="random")))
    drawn = curves({**COSTS, "cascade": (100.0, 2.0)}, features="random")
    assert [test.estimate for test in claimed(drawn + curves())] == [
        test.estimate for test in claimed(curves())
    ]
    start = curves({**COSTS, "cascade": (0.2, 2.0)}, features="start")
    assert math.exp(claimed(start)[0].estimate.value) == pytest.approx(10)  # type: ignore[union-attr]


def test_a_single_repeat_decides_nothing() -> None:
    rows = [replace(row, standard_error=math.nan, degrees=0) for row in curves()]
    assert claim_verdict(claimed(rows), 0.05) == "inconclusive"


def test_coverage_for_bent_lines() -> None:
    """Overhead + c N^k, seven noisy repeats with outliers: intervals cover the local difference."""
    random = np.random.default_rng(0)
    sizes = np.array([1024, 1936, 3600])
    true = {"cascade": 20 + 1e-5 * sizes**2.0, "dense_inverse_scipy": 5 + 1e-8 * sizes**3.0}
    weights = np.log(sizes) - np.log(sizes).mean()
    weights /= weights @ weights
    gap = float(weights @ np.log(true["dense_inverse_scipy"] / true["cascade"]))
    assert abs(gap - 1) > 0.3  # overhead bends the lines, which would differ by 1 without it
    studies, covered, apart = 400, 0, 0
    for _ in range(studies):
        rows = []
        for subject, values in true.items():
            for nodes, value in zip(sizes, values, strict=True):
                noise = 0.03 * random.standard_t(4, size=7)
                log = log_mean(value * np.exp(noise))
                rows.append(
                    timing_row(
                        *(subject, int(nodes), value, log.standard_error),
                        log_value=log.value,
                        degrees=log.degrees,
                    )
                )
        estimate = claimed(rows)[1].estimate
        assert estimate is not None
        low, high = estimate.interval(0.95)
        covered += low <= gap <= high
        apart += high - low < 0.6
    assert covered / studies >= 0.94 and apart / studies > 0.95
