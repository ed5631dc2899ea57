"""Intervals, p-values and corrections against textbook values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from difnet.analysis.estimates import Component, Estimate, holm_adjusted, holm_confidence


def test_one_part_is_the_t_interval():
    sample = np.array([0.61, 0.64, 0.60])
    estimate = Estimate(sample.mean(), (Component(sample.var(ddof=1) / 3, 2),), "3 seeds")
    expected = stats.ttest_1samp(sample, 0.5)
    assert estimate.interval() == pytest.approx(tuple(expected.confidence_interval(0.95)), abs=1e-12)
    assert estimate.p_value(0.5) == pytest.approx(expected.pvalue, abs=1e-9)


def test_two_parts_add_in_quadrature():
    estimate = Estimate(0.0, (Component(4.0, 2), Component(9.0, 100)), "")
    expected = math.sqrt(4 * stats.t.isf(0.025, 2) ** 2 + 9 * stats.t.isf(0.025, 100) ** 2)
    assert estimate.half_width(0.95) == pytest.approx(expected, rel=1e-12)
    assert estimate.standard_error == pytest.approx(math.sqrt(13))


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 5), st.floats(0.01, 2), st.floats(0.01, 2), st.sampled_from([1, 2, 4, 100, math.inf]))
def test_the_interval_at_one_minus_p_touches_the_null(value, first, second, degrees):
    estimate = Estimate(value, (Component(first, degrees), Component(second, 50)), "")
    p = estimate.p_value()
    if 1.01e-4 < p < 0.999:
        assert estimate.interval(1 - p)[0] == pytest.approx(0, abs=1e-6)
    assert p == pytest.approx(Estimate(-value, estimate.components, "").p_value(), rel=1e-9)


def test_limits_of_the_p_value():
    known = (Component(1e-9, 20),)
    assert Estimate(0.0, known, "").p_value() == 1.0
    assert Estimate(1.0, known, "").p_value() == 1e-4
    assert math.isnan(Estimate(1.0, known, "", limit="two seeds").p_value())
    without_variation = (Component(0.0, 2),)
    assert Estimate(0.0, without_variation, "").p_value() == 1.0
    assert math.isnan(Estimate(1.0, without_variation, "").p_value())
    assert Estimate(1.0, (), "exact").p_value() == 1e-4 and Estimate(1.0, (), "exact").interval() == (1, 1)
    undefined = Estimate(1.0, (Component(math.nan, 0),), "")
    assert math.isnan(undefined.p_value()) and np.isnan(undefined.interval()).all()


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1), st.floats(0, 4), st.sampled_from([1, 2, 9]), st.sampled_from([0.95, 0.9993]))
def test_the_interval_of_a_share_lies_between_0_and_1(value, variance, degrees, confidence):
    estimate = Estimate(value, (Component(variance, degrees),), "", share=True)
    low, high = estimate.interval(confidence)
    if 0 < value < 1:
        assert 0 <= low <= value + 1e-15 and value - 1e-15 <= high <= 1
    assert estimate.interval(confidence)[0] <= estimate.interval(0.5)[0] + 1e-12


def test_a_share_far_from_its_ends_has_nearly_the_plain_interval():
    """Of 0.5 +- 0.02: log-odds +- 0.08, so 0.5 +- 0.01999."""
    plain, bent = (Estimate(0.5, (Component(1e-4, math.inf),), "", share=share) for share in (False, True))
    assert (
        bent.interval() == pytest.approx(plain.interval(), abs=1e-4) and bent.interval() != plain.interval()
    )


def test_the_detectable_difference_has_80_percent_power():
    """Normal reference: 1.96 + 0.84 standard errors, and a simulation agrees."""
    estimate = Estimate(0.0, (Component(1.0, math.inf),), "")
    assert estimate.detectable() == pytest.approx(1.959964 + 0.841621, abs=1e-5)
    drawn = np.random.default_rng(0).normal(estimate.detectable(), 1, 100_000)
    assert (drawn > estimate.half_width(0.95)).mean() == pytest.approx(0.80, abs=0.005)


def test_holm_adjusted():
    """Worked example: 0.01 x 4, 0.013 x 3 (raised to 0.04), 0.03 x 2, 0.2 x 1; nan is no test."""
    adjusted = holm_adjusted([0.03, 0.01, np.nan, 0.2, 0.013])
    np.testing.assert_allclose(adjusted, [0.06, 0.04, np.nan, 0.2, 0.04])
    assert holm_adjusted([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert np.isnan(holm_adjusted([np.nan])).all() and holm_adjusted([]).size == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=9))
def test_holm_levels_agree_with_holm_decisions(p_values):
    rejected = holm_adjusted(p_values) <= 0.05
    levels = holm_confidence(p_values)
    np.testing.assert_array_equal(np.array(p_values) <= 1 - levels + 1e-15, rejected)
    assert (levels <= 1 - 0.05 / len(p_values) + 1e-15).all() and (levels >= 0.95 - 1e-15).all()
