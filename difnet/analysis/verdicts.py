"""The verdict on every claim of the paper, from the intervals of its tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from difnet.analysis.claim_schema import ClaimFile, ClaimOfPaper, CostClaim, DifferenceClaim
from difnet.analysis.claim_tests import ClaimTest, difference_tests
from difnet.analysis.cost_tests import cost_tests
from difnet.analysis.estimates import CONFIDENCE, holm_confidence
from difnet.analysis.study import Study
from difnet.tables import ClaimRow, ClaimTestRow, GrowthRow, TimingRow

Verdict = Literal["reproduced", "not reproduced", "inconclusive", "not run"]


def judge(
    file: ClaimFile, study: Study, timings: Sequence[TimingRow] = (), growth: Sequence[GrowthRow] = ()
) -> tuple[list[ClaimRow], list[ClaimTestRow]]:
    """Verdict on every claim, and the tests that it rests on.

    The family of the correction is all claims that could be tested; a claim of several tests enters it
    with its largest p-value, since all must hold.

    Args:
        file: What `read_claims` returned.
        study: The runs.
        timings: Rows of `timing.csv`; none when nothing was timed.
        growth: Rows of `growth.csv`; likewise.

    Raises:
        InputError: If a claim names an unknown metric.
    """
    groups = [_tests(claim, study, (timings, growth), file.equivalence) for claim in file.claims]
    p_values = [claim_p_value(tests) for tests in groups]
    claims: list[ClaimRow] = []
    rows: list[ClaimTestRow] = []
    for claim, tests, p, corrected in zip(
        file.claims, groups, p_values, holm_confidence(p_values).tolist(), strict=True
    ):
        confidence = CONFIDENCE if math.isnan(corrected) else corrected
        judged = [_row(claim.id, place, test, confidence) for place, test in enumerate(tests, start=1)]
        on_one_seed = any(row.unit.endswith("one seed") for row in judged)
        claims.append(
            ClaimRow(
                claim=claim.id,
                verdict=claim_verdict(tests, confidence),
                evidence="; ".join(_words(row) for row in judged),
                statement=claim.statement,
                p_value=p,
                confidence=corrected,
                remark=claim.limit(study.dataset) or ("on one seed" if on_one_seed else ""),
                paper="; ".join(item.figures for item in claim.paper if item.dataset == study.dataset),
            )
        )
        rows += judged
    return claims, rows


def _tests(
    claim: ClaimOfPaper,
    study: Study,
    costs: tuple[Sequence[TimingRow], Sequence[GrowthRow]],
    equivalence: float,
) -> list[ClaimTest]:
    """The tests of a claim; none counts as run on data that it says nothing about."""
    if isinstance(claim, CostClaim):
        tests = cost_tests(claim, *costs)
    else:
        assert isinstance(claim, DifferenceClaim)
        tests = difference_tests(claim, study, equivalence)
    if limit := claim.limit(study.dataset):
        return [replace(test, estimate=None, reason=limit) for test in tests]
    return tests


def verdict_of(test: ClaimTest, confidence: float) -> Verdict:
    """Verdict on one test from its interval at the corrected confidence.

    Reproduced when the interval is above the bound; not reproduced when it is below, or within the band of
    equivalence; inconclusive otherwise, also when the interval is undefined.
    """
    if test.estimate is None:
        return "not run"
    low, high = test.estimate.interval(confidence)
    if low > test.null:
        return "reproduced"
    if high < test.null or (test.null - test.equivalence <= low and high <= test.null + test.equivalence):
        return "not reproduced"
    return "inconclusive"


def claim_verdict(tests: Sequence[ClaimTest], confidence: float) -> Verdict:
    """Verdict on a claim of which all tests must hold.

    One test that fails decides against it, even where another was not run; otherwise a test that was not
    run leaves the claim not run.
    """
    needed = [test for test in tests if test.estimate is not None or not test.optional]
    verdicts = [verdict_of(test, confidence) for test in needed]
    for outcome in ("not reproduced", "not run", "inconclusive"):
        if outcome in verdicts:
            return outcome
    return "reproduced" if verdicts else "not run"


def claim_p_value(tests: Sequence[ClaimTest]) -> float:
    """Largest p-value of the tests that were run, since all must hold (Berger, 1982); nan when none was."""
    return max((test.p_value for test in tests if test.estimate is not None), default=math.nan)


def _row(claim: str, place: int, test: ClaimTest, confidence: float) -> ClaimTestRow:
    """A test with its interval at the corrected confidence; a ratio as itself, not as its logarithm."""
    value = low = high = math.nan
    if test.estimate is not None:
        value, low, high = test.estimate.value, *test.estimate.interval(confidence)
    if test.quantity == "ratio":
        value, low, high = math.exp(value), math.exp(low), math.exp(high)
    return ClaimTestRow(
        claim=claim,
        test=place,
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
        verdict=verdict_of(test, confidence),
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
