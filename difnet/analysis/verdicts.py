"""The verdict on every claim of the paper, from the intervals of its tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from difnet.analysis.claim_tests import ClaimTest, difference_tests
from difnet.analysis.cost_tests import cost_tests
from difnet.analysis.estimates import holm_confidence
from difnet.analysis.looks import Look, planned_looks
from difnet.analysis.power import detectable, seeds_needed
from difnet.analysis.study import Study
from difnet.config.claims import Claim, ClaimFile, CostClaim
from difnet.tables import ClaimRow, ClaimTestRow, GrowthRow, TimingRow

Verdict = Literal["reproduced", "not reproduced", "inconclusive", "not run"]
Costs = tuple[Sequence[TimingRow], Sequence[GrowthRow]]


@dataclass(frozen=True)
class Judged:
    """A claim at one look.

    Attributes:
        claim: The claim.
        tests: All its tests.
        alpha: Its two-sided error, corrected for its family; nan where nothing was tested.
        look: The look.
    """

    claim: Claim
    tests: tuple[ClaimTest, ...]
    alpha: float
    look: Look

    @property
    def run(self) -> list[ClaimTest]:
        """The tests that were run."""
        return [test for test in self.tests if test.estimate is not None]

    @property
    def error(self) -> float:
        """The error that its intervals are at: that of the look where nothing was corrected."""
        return self.look.alpha if math.isnan(self.alpha) else self.alpha

    @property
    def verdict(self) -> Verdict:
        """Verdict on the claim."""
        return claim_verdict(self.tests, self.error)

    @cached_property
    def rows(self) -> list[ClaimTestRow]:
        """Its tests as rows of the table."""
        return [_test_row(self, place) for place in range(len(self.tests))]


def judge(
    file: ClaimFile,
    study: Study,
    timings: Sequence[TimingRow] = (),
    growth: Sequence[GrowthRow] = (),
    looks: Sequence[int] = (),
) -> tuple[list[ClaimRow], list[ClaimTestRow]]:
    """Verdict on every claim, and the tests that it rests on.

    A family of the correction is all claims of that name that could be tested; a claim enters it with
    `claim_p_value`. A claim that is decided at one look keeps that verdict at later ones.

    Args:
        file: What `read_claims` returned.
        study: The runs.
        timings: Rows of `timing.csv`; none when nothing was timed.
        growth: Rows of `growth.csv`; likewise.
        looks: Numbers of seeds after which verdicts were planned; none for one look at all seeds.

    Raises:
        InputError: If a claim names an unknown metric.
    """
    outcome: dict[str, Judged] = {}
    seeds = sorted({run.config.seed for run in study.runs})
    for look in planned_looks(seeds, looks):
        seen = study.with_seeds(look.seeds)
        for judged in _at_one_look(file, seen, (timings, growth), look):
            earlier = outcome.get(judged.claim.id)
            if earlier is None or earlier.verdict in ("inconclusive", "not run"):
                outcome[judged.claim.id] = judged
    rows = [row for judged in outcome.values() for row in judged.rows]
    return [_claim_row(judged, study, file.effect) for judged in outcome.values()], rows


def _at_one_look(
    file: ClaimFile,
    study: Study,
    costs: Costs,
    look: Look,
) -> list[Judged]:
    """Every claim, with the error that its family leaves it."""
    groups = [_tests(claim, study, costs, file.equivalence, look.limit) for claim in file.claims]
    p_values = np.array([claim_p_value(tests) for tests in groups])
    families = np.array([claim.family for claim in file.claims])
    alphas = np.zeros(len(groups))
    for family in set(families):
        members = families == family
        alphas[members] = 1 - holm_confidence(p_values[members], look.alpha)
    return [
        Judged(claim, tests, alpha, look)
        for claim, tests, alpha in zip(file.claims, groups, alphas.tolist(), strict=True)
    ]


def _tests(claim: Claim, study: Study, costs: Costs, equivalence: float, limit: str) -> tuple[ClaimTest, ...]:
    """The tests of a claim; none counts as run on data that it says nothing about."""
    if isinstance(claim, CostClaim):
        tests = cost_tests(claim, *costs)
    else:
        tests = difference_tests(claim, study, equivalence)
    if scope := claim.limit(study.dataset):
        return tuple(replace(test, estimate=None, reason=scope) for test in tests)
    if limit:
        return tuple(
            replace(test, estimate=test.estimate and replace(test.estimate, limit=limit)) for test in tests
        )
    return tuple(tests)


def verdict_of(test: ClaimTest, alpha: float, tests: int = 1) -> Verdict:
    """Verdict on one test from its interval.

    Reproduced when the interval is above the bound; not reproduced when it is below, or within the band of
    equivalence; inconclusive otherwise, also when the interval is undefined or the estimate is limited.

    Args:
        test: The test.
        alpha: Two-sided error of the claim.
        tests: Number of the claim's tests that were run.
    """
    if test.estimate is None:
        return "not run"
    if test.estimate.limit:
        return "inconclusive"
    low, high = test.interval(alpha, tests)
    if low > test.null:
        return "reproduced"
    if high < test.null or (test.null - test.equivalence <= low and high <= test.null + test.equivalence):
        return "not reproduced"
    return "inconclusive"


def claim_verdict(tests: Sequence[ClaimTest], alpha: float) -> Verdict:
    """Verdict on a claim of which all tests must hold.

    One test that fails decides against it, even where another was not run; otherwise a test that was not
    run leaves the claim not run.
    """
    needed = [test for test in tests if test.estimate is not None or not test.optional]
    run = sum(test.estimate is not None for test in needed)
    verdicts = [verdict_of(test, alpha, run) for test in needed]
    for outcome in ("not reproduced", "not run", "inconclusive"):
        if outcome in verdicts:
            return outcome
    return "reproduced" if verdicts else "not run"


def claim_p_value(tests: Sequence[ClaimTest]) -> float:
    """Two-sided p-value of a claim, by which it enters its family; nan when no test has one.

    The smaller of what speaks for it, the largest p-value if all tests lie above their bounds (Berger, 1982),
    and of what speaks against it, the smallest p-value of those below times the number of tests.
    """
    run = [test for test in tests if test.estimate is not None]
    if all(math.isnan(test.p_value) for test in run):
        return math.nan
    signed = [(test.estimate.value > test.null, test.p_value) for test in run if test.estimate is not None]
    above = [p if over and not math.isnan(p) else 1.0 for over, p in signed]
    below = [1.0 if over or math.isnan(p) else p for over, p in signed]
    return min(max(above), 1.0, len(run) * min(below))


def _claim_row(judged: Judged, study: Study, effect: float) -> ClaimRow:
    """The verdict, with what limits it and what an open one would take."""
    claim, tests, alpha = judged.claim, judged.tests, judged.error
    limits = [test.estimate.limit for test in judged.run if test.estimate and test.estimate.limit]
    costs = isinstance(claim, CostClaim)
    target = math.nan if costs else claim.margin if claim.form == "non_inferiority" else effect
    is_open = judged.verdict == "inconclusive" and not costs
    return ClaimRow(
        claim=claim.id,
        family=claim.family,
        verdict=judged.verdict,
        evidence="; ".join(map(_words, judged.rows)),
        statement=claim.statement,
        p_value=claim_p_value(tests),
        confidence=1 - judged.alpha,
        look=judged.look.words,
        remark=claim.limit(study.dataset) or (limits[0] if limits else ""),
        detectable=detectable(judged.run, alpha) if is_open else math.nan,
        effect=target if is_open else math.nan,
        seeds_needed=seeds_needed(judged.run, alpha, target) if is_open else math.nan,
        paper="; ".join(item.figures for item in claim.paper if item.dataset == study.dataset),
    )


def _test_row(judged: Judged, place: int) -> ClaimTestRow:
    """A test with its interval at the corrected levels; a ratio as itself, not as its logarithm."""
    test, run = judged.tests[place], len(judged.run)
    value = low = high = math.nan
    if test.estimate is not None:
        value, low, high = test.estimate.value, *test.interval(judged.error, run)
    if test.quantity == "ratio":
        value, low, high = math.exp(value), math.exp(low), math.exp(high)
    return ClaimTestRow(
        claim=judged.claim.id,
        test=place + 1,
        quantity=test.quantity,
        metric=test.metric,
        variant=test.variant,
        reference=test.reference,
        device=test.device,
        nodes=test.nodes,
        value=value,
        ci_low=low,
        ci_high=high,
        bound=test.bound,
        p_value=test.p_value,
        verdict=verdict_of(test, judged.error, run),
        optional="yes" if test.optional else "",
        unit="" if test.estimate is None else test.estimate.unit,
        status="ok" if test.estimate is not None else f"not_run ({test.reason})",
    )


def _words(row: ClaimTestRow) -> str:
    """One test in words: value, interval, bound and unit, or why there are none."""
    size, device = (f" at N = {row.nodes}", f" on {row.device}") if row.device else ("", "")
    label = {
        "difference": f"{row.metric} {row.variant} - {row.reference}",
        "ratio": f"{row.metric} {row.reference} / {row.variant}{size}{device}",
        "exponent": f"{row.metric} growth exponent {row.reference} - {row.variant}{device}",
    }[row.quantity]
    if row.status != "ok":
        return f"{label}: {row.status.replace('not_run', 'not run', 1)}"
    digits = ".3g" if row.quantity == "ratio" else "+.4f"
    value, low, high = (f"{number:{digits}}" for number in (row.value, row.ci_low, row.ci_high))
    return f"{label} = {value} [{low}, {high}], claimed > {row.bound:g}, over {row.unit}"
