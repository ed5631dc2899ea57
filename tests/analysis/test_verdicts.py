"""Verdicts: the four outcomes of each form of claim, and how parts combine."""

from __future__ import annotations

import math

import pytest

from difnet.analysis.estimates import Component, Estimate
from difnet.analysis.verdicts import Part, claim_p_value, claim_verdict, part_verdict


def estimate(value, half_width):
    """An estimate whose 95% interval is value +- half_width."""
    return Estimate(value, (Component((half_width / 1.959963984540054) ** 2, math.inf),), "seeds")


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
    part = Part("a - b", estimate(value, half_width), null=0.0, equivalence=0.005)
    assert part_verdict(part, 0.95) == expected


@pytest.mark.parametrize(("value", "half_width", "expected"), NON_INFERIORITY)
def test_non_inferiority(value, half_width, expected):
    part = Part("a - b", estimate(value, half_width), null=-0.01)
    assert part_verdict(part, 0.95) == expected


def test_correction_widens_the_interval():
    part = Part("a - b", estimate(0.02, 0.019), null=0.0, equivalence=0.005)
    assert part_verdict(part, 0.95) == "reproduced"
    assert part_verdict(part, 0.99) == "inconclusive"


def test_an_undefined_interval_is_inconclusive():
    part = Part("a - b", Estimate(0.1, (Component(math.nan, 0),), ""), null=0.0, equivalence=0.005)
    assert part_verdict(part, 0.95) == "inconclusive"


GOOD = Part("good", estimate(0.02, 0.01), 0.0)
BAD = Part("bad", estimate(-0.02, 0.01), 0.0)
OPEN = Part("open", estimate(0.02, 0.03), 0.0)
MISSING = Part("missing", None, 0.0)
OPTIONAL = Part("optional", None, 0.0, optional=True)


@pytest.mark.parametrize(
    ("parts", "expected"),
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
def test_all_parts_must_hold(parts, expected):
    assert claim_verdict(parts, 0.95) == expected


def test_the_weakest_part_carries_the_p_value():
    assert claim_p_value([GOOD, OPEN, MISSING]) == OPEN.estimate.p_value() > GOOD.estimate.p_value()
    assert math.isnan(claim_p_value([MISSING]))
