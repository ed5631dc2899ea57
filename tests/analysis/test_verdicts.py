"""Verdicts: the four outcomes of each form of claim, and how tests combine."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from difnet.analysis.claim_tests import ClaimTest
from difnet.analysis.estimates import Component, Estimate
from difnet.analysis.verdicts import claim_p_value, claim_verdict, verdict_of


def estimate(value, half_width):
    """An estimate whose 95% interval is value +- half_width."""
    return Estimate(value, (Component((half_width / 1.959963984540054) ** 2, math.inf),), "seeds")


def claim_test(number, bound=0.0, **options):
    sides = {"metric": "miou", "variant": "a", "reference": "b"}
    return ClaimTest(quantity="difference", **sides, bound=bound, estimate=number, **options)


SUPERIORITY = [
    (0.02, 0.01, "reproduced"),
    (0.003, 0.001, "reproduced"),
    (-0.02, 0.01, "not reproduced"),
    (0.001, 0.003, "not reproduced"),
    (-0.003, 0.001, "not reproduced"),
    (0.004, 0.005, "inconclusive"),
    (0.02, 0.03, "inconclusive"),
    (-0.004, 0.005, "inconclusive"),
]
NON_INFERIORITY = [
    (0.0, 0.009, "reproduced"),
    (-0.005, 0.004, "reproduced"),
    (-0.03, 0.01, "not reproduced"),
    (-0.01, 0.004, "inconclusive"),
    (0.0, 0.011, "inconclusive"),
]


@pytest.mark.parametrize(("value", "half_width", "expected"), SUPERIORITY)
def test_superiority(value, half_width, expected):
    test = claim_test(estimate(value, half_width), 0.0, equivalence=0.005)
    assert verdict_of(test, 0.05) == expected


@pytest.mark.parametrize(("value", "half_width", "expected"), NON_INFERIORITY)
def test_non_inferiority(value, half_width, expected):
    test = claim_test(estimate(value, half_width), -0.01)
    assert verdict_of(test, 0.05) == expected


def test_correction_widens_the_interval():
    test = claim_test(estimate(0.02, 0.019), 0.0, equivalence=0.005)
    assert verdict_of(test, 0.05) == "reproduced"
    assert verdict_of(test, 0.01) == "inconclusive"


def test_an_undefined_interval_is_inconclusive():
    test = claim_test(Estimate(0.1, (Component(math.nan, 0),), ""), 0.0, equivalence=0.005)
    assert verdict_of(test, 0.05) == "inconclusive"


GOOD = claim_test(estimate(0.02, 0.01))
BAD = claim_test(estimate(-0.02, 0.01))
OPEN = claim_test(estimate(0.02, 0.03))
MISSING = claim_test(None)
OPTIONAL = claim_test(None, optional=True)


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        ([GOOD, GOOD], "reproduced"),
        ([GOOD, OPTIONAL], "reproduced"),
        ([GOOD, BAD], "not reproduced"),
        ([MISSING, BAD], "not reproduced"),
        ([GOOD, OPEN], "inconclusive"),
        ([GOOD, MISSING], "not run"),
        ([OPEN, MISSING], "not run"),
        ([MISSING], "not run"),
        ([OPTIONAL], "not run"),
    ],
)
def test_all_tests_must_hold(tests, expected):
    assert claim_verdict(tests, 0.05) == expected


def test_the_weakest_part_carries_the_p_value_of_what_speaks_for_a_claim():
    assert claim_p_value([GOOD, OPEN, MISSING]) == OPEN.estimate.p_value() > GOOD.estimate.p_value()
    assert math.isnan(claim_p_value([MISSING]))


def test_what_speaks_against_a_claim_is_corrected_for_the_number_of_its_parts():
    p = BAD.estimate.p_value()
    assert claim_p_value([BAD]) == p and claim_p_value([GOOD, BAD, OPEN]) == pytest.approx(3 * p)
    # Of 0.02 +- 0.0185 on the wrong side, alone it fails; one of five such parts would by chance in 10%.
    nearly = claim_test(estimate(-0.02, 0.0185))
    assert claim_verdict([nearly], 0.05) == "not reproduced"
    assert claim_verdict([nearly, GOOD, GOOD, GOOD, GOOD], 0.05) == "inconclusive"


@pytest.mark.parametrize("place", range(3))
def test_a_test_without_a_p_value_counts_wherever_it_stands(place):
    undefined = claim_test(Estimate(0.1, (Component(math.nan, 2),), ""))
    tests = [GOOD, GOOD]
    tests.insert(place, undefined)
    assert claim_p_value(tests) == 1.0 and claim_verdict(tests, 0.05) == "inconclusive"
    assert math.isnan(claim_p_value([undefined]))


def test_a_limited_estimate_decides_nothing():
    limited = claim_test(replace(estimate(0.5, 0.01), limit="two seeds"))
    assert verdict_of(limited, 0.05) == "inconclusive" and math.isnan(claim_p_value([limited]))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.05, 0.05), st.floats(0.001, 0.05)), min_size=1, max_size=5))
def test_a_claim_is_decided_where_its_p_value_says_so(parts):
    tests = [claim_test(estimate(value, width)) for value, width in parts]
    p = claim_p_value(tests)
    if abs(p - 0.05) > 1e-6:
        assert (claim_verdict(tests, 0.05) in ("reproduced", "not reproduced")) == (p < 0.05)


def test_a_ratio_is_judged_as_its_logarithm():
    """Of a cost that is 1.1 times as high, with an interval on the log scale that leaves 1 out, or not."""
    for half_width, expected in ((0.09, "reproduced"), (0.1, "inconclusive")):
        test = replace(claim_test(estimate(math.log(1.1), half_width), 1.0), quantity="ratio")
        assert verdict_of(test, 0.05) == expected
        assert (test.p_value < 0.05) == (expected == "reproduced")
