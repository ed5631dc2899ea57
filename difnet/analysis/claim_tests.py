"""The tests of a claim: differences between variants; those of costs are in `cost_tests.py`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from difnet.analysis.estimates import Estimate
from difnet.analysis.study import Study
from difnet.config.claims import DifferenceClaim
from difnet.config.errors import InputError


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

    @cached_property
    def p_value(self) -> float:
        """Two-sided p-value against the bound; nan when not run."""
        return math.nan if self.estimate is None else self.estimate.p_value(self.null)

    def interval(self, alpha: float, tests: int) -> tuple[float, float]:
        """The interval by which a claim of several tests is judged.

        All tests must hold for it, so each lower end is at the level of the claim (Berger, 1982); one of them
        below its bound decides against it, so the upper ends are corrected for their number (Bonferroni).

        Args:
            alpha: Two-sided error of the claim.
            tests: Number of its tests that were run.
        """
        assert self.estimate is not None
        return self.estimate.interval(1 - alpha)[0], self.estimate.interval(1 - alpha / tests)[1]


def difference_tests(claim: DifferenceClaim, study: Study, equivalence: float) -> list[ClaimTest]:
    """One test a pair of variants.

    Args:
        claim: A claim of `workflow/claims.yaml`.
        study: The runs.
        equivalence: Half-width of the band of a superiority claim.

    Raises:
        InputError: If the claim names an unknown metric.
    """
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
    return "" if study.common_seeds(*variants) else "no common seed"
