"""Verdicts: the four outcomes of each form of claim, and how tests combine."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

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
    assert verdict_of(test, 0.95) == expected


@pytest.mark.parametrize(("value", "half_width", "expected"), NON_INFERIORITY)
def test_non_inferiority(value, half_width, expected):
    test = claim_test(estimate(value, half_width), -0.01)
    assert verdict_of(test, 0.95) == expected


def test_correction_widens_the_interval():
    test = claim_test(estimate(0.02, 0.019), 0.0, equivalence=0.005)
    assert verdict_of(test, 0.95) == "reproduced"
    assert verdict_of(test, 0.99) == "inconclusive"


def test_an_undefined_interval_is_inconclusive():
    test = claim_test(Estimate(0.1, (Component(math.nan, 0),), ""), 0.0, equivalence=0.005)
    assert verdict_of(test, 0.95) == "inconclusive"


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
    assert claim_verdict(tests, 0.95) == expected


def test_the_weakest_part_carries_the_p_value():
    assert claim_p_value([GOOD, OPEN, MISSING]) == OPEN.estimate.p_value() > GOOD.estimate.p_value()
    assert math.isnan(claim_p_value([MISSING]))


def test_a_ratio_is_judged_as_its_logarithm():
    """Of a cost that is 1.1 times as high, with an interval on the log scale that leaves 1 out, or not."""
    for half_width, expected in ((0.09, "reproduced"), (0.1, "inconclusive")):
        test = replace(claim_test(estimate(math.log(1.1), half_width), 1.0), quantity="ratio")
        assert verdict_of(test, 0.95) == expected
        assert (test.p_value < 0.05) == (expected == "reproduced")
