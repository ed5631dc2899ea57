"""Local exponents of known curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from difnet.tables import GROWTH, TIMING, GrowthRow, TimingRow
from difnet.timing import fit_growth


def row(
    nodes: int, value: float, *, subject: str = "walk", error: float = 0.02, degrees: int = 4
) -> TimingRow:
    """A measurement on trained features."""
    return TimingRow(
        *(subject, "cpu", "float32", nodes, 21, 1, "latency_ms", value, value, value, "ok"),
        features="trained",
        log_value=math.log(value),
        standard_error=error,
        degrees=degrees,
        foreign_share=0.0,
    )


def fitted(rows: list[TimingRow]) -> list[GrowthRow]:
    return GROWTH.rows(fit_growth(TIMING.frame(rows)))


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
def test_exponent_of_a_straight_line(exponent: float) -> None:
    (first, last) = fitted([row(nodes, 1e-6 * nodes**exponent) for nodes in (4096, 512, 2048, 1024)])
    assert (first.nodes_from, first.nodes, last.nodes_from, last.nodes) == (512, 2048, 1024, 4096)
    for fit in (first, last):
        error = math.sqrt(2) * 0.02 / math.log(4)
        assert fit.exponent == pytest.approx(exponent) and fit.standard_error == pytest.approx(error)
        assert fit.ci_high - fit.exponent == pytest.approx(student.isf(0.025, 4) * error)
        assert fit.exponent - fit.ci_low == pytest.approx(student.isf(0.025, 4) * error)
        assert fit.degrees == 4


def test_overhead_bends_a_line_but_not_its_upper_end() -> None:
    sizes = (64, 256, 1024, 4096, 16384)
    fits = fitted([row(nodes, 1.0 + 1e-6 * nodes**2.0) for nodes in sizes])
    exponents = [fit.exponent for fit in fits]
    assert exponents == sorted(exponents) and exponents[0] < 0.3 and exponents[-1] > 1.7


def test_the_fewest_degrees_of_freedom_count() -> None:
    rows = [row(1024, 1.0), row(2048, 2.0, degrees=2), row(4096, 4.0)]
    assert fitted(rows)[0].degrees == 2


def test_equal_repeats_give_a_point() -> None:
    (fit,) = fitted([row(nodes, float(nodes), error=0.0) for nodes in (1024, 2048, 4096)])
    assert fit.ci_low == fit.exponent == fit.ci_high and fit.standard_error == 0


def test_single_measurements_have_no_interval() -> None:
    (fit,) = fitted([row(nodes, 1.0, error=math.nan, degrees=0) for nodes in (1024, 2048, 4096)])
    assert np.isnan([fit.ci_low, fit.ci_high, fit.standard_error]).all() and fit.exponent == pytest.approx(0)


def test_two_sizes_have_no_exponent() -> None:
    assert fitted([row(1024, 1.0), row(2048, 2.0)]) == []
