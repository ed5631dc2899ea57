"""Seeds that a study needs, against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from difnet.analysis.claim_tests import ClaimTest
from difnet.analysis.estimates import Component, Estimate
from difnet.analysis.power import detectable, seeds_needed


def claim_test(images, seeds):
    """A test whose estimate has these variances: of the images, and between three seeds."""
    parts = (Component(images, 100, "images"), Component(seeds / 3, 2, "seeds"))
    sides = {"metric": "miou", "variant": "a", "reference": "b", "bound": 0.0}
    return ClaimTest(quantity="difference", **sides, estimate=Estimate(0.0, parts, ""))


@pytest.mark.parametrize("deviation", [0.01, 0.02])
def test_so_many_seeds_find_the_effect_four_times_in_five(deviation):
    needed = int(seeds_needed([claim_test(0.0, deviation**2)], 0.05, effect=0.02))
    drawn = np.random.default_rng(0).normal(0.02, deviation, (20_000, needed))
    found = stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.12), needed


def test_the_weakest_test_decides():
    weak, strong = claim_test(0.0, 0.03**2), claim_test(0.0, 0.001**2)
    assert seeds_needed([strong, weak], 0.05, 0.02) == seeds_needed([weak], 0.05, 0.02) > 3
    assert seeds_needed([strong], 0.05, 0.02) == 3
    assert detectable([strong, weak], 0.05) == detectable([weak], 0.05) > detectable([strong], 0.05)


def test_no_number_of_seeds_makes_up_for_few_images():
    assert seeds_needed([claim_test(0.02**2, 0.0)], 0.05, 0.02) == math.inf


def test_one_seed_tells_no_variance():
    alone = Estimate(0.0, (Component(1e-4, 100, "images"),), "")
    sides = {"metric": "miou", "variant": "a", "reference": "b", "bound": 0.0}
    assert math.isnan(seeds_needed([ClaimTest(quantity="difference", **sides, estimate=alone)], 0.05, 0.02))
    assert math.isnan(seeds_needed([], 0.05, 0.02)) and math.isnan(detectable([], 0.05))
