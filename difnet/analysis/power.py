"""What a study could have shown, and how many seeds it takes to show more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from difnet.analysis.claim_tests import ClaimTest
from difnet.analysis.estimates import Component, Estimate
from difnet.analysis.study import FEWEST_SEEDS

MOST_SEEDS = 200
"""More are not asked for: where these do not suffice, it takes other images."""


def detectable(tests: Sequence[ClaimTest], alpha: float) -> float:
    """The smallest distance from its bound that every test of a claim shows with 80% power.

    Args:
        tests: Of the claim, those that were run.
        alpha: Two-sided error of the claim.
    """
    return max((test.estimate.detectable(1 - alpha) for test in tests if test.estimate), default=math.nan)


def seeds_needed(tests: Sequence[ClaimTest], alpha: float, effect: float) -> float:
    """Seeds with which every test of a claim shows its effect with 80% power, by the variance that was seen.

    Args:
        tests: Of the claim, those that were run.
        alpha: Two-sided error of the claim.
        effect: The true distance from the bound.

    Returns:
        At least those of a verdict; infinity where no number up to `MOST_SEEDS` suffices; nan where no
            variance was seen.
    """
    estimates = [test.estimate for test in tests if test.estimate]
    if not estimates or any(_seed_variance(estimate) is None for estimate in estimates):
        return math.nan
    for seeds in range(FEWEST_SEEDS, MOST_SEEDS + 1):
        if all(_with_seeds(estimate, seeds).detectable(1 - alpha) <= effect for estimate in estimates):
            return seeds
    return math.inf


def _seed_variance(estimate: Estimate) -> float | None:
    """Variance between single seeds; None where there is but one."""
    for part in estimate.components:
        if part.over == "seeds":
            return part.variance * (part.degrees + 1)
    return None


def _with_seeds(estimate: Estimate, seeds: int) -> Estimate:
    """The estimate as it would be with another number of seeds."""
    variance = _seed_variance(estimate) or 0.0
    others = [part for part in estimate.components if part.over != "seeds"]
    return replace(estimate, components=(*others, Component(variance / seeds, seeds - 1, "seeds")))
