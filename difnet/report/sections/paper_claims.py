"""The claims of the paper and the verdict on each."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean
from typing import Any

from difnet.metrics import METRICS
from difnet.report.load import Results
from difnet.report.numbers import MISSING, count, number, p_value, signed, significant, significant_interval
from difnet.report.page_table import Cell, Column, PageTable, missing
from difnet.report.rows import operator_title, status_words
from difnet.report.section import Section
from difnet.report.verdict_sentences import COSTS, is_known, is_out_of_scope, needs_a_twin, verdict_sentence
from difnet.tables import ClaimRow, ClaimTestRow

VERDICTS: dict[str, tuple[str, str, str]] = {
    "reproduced": ("✓", "reproduced", "the corrected interval lies on the claimed side of the margin"),
    "not reproduced": (
        "✗",
        "not-reproduced",
        "the interval lies on the other side, or within what counts as no effect",
    ),
    "inconclusive": ("?", "inconclusive", "these runs decide neither way"),
    "not run": ("–", "not-run", "a variant or measurement that the claim needs is missing"),
}
"""Symbol, class of the style sheet and meaning of every verdict."""


@dataclass(frozen=True)
class JudgedClaim:
    """One claim with its verdict, the tests that it rests on, and how to decide what is open."""

    row: ClaimRow
    tests: tuple[ClaimTestRow, ...]
    sentence: str = ""
    """What decides it, in words."""
    remedy: str = ""
    """What an open verdict would take; empty where nothing is known to help."""
    command: str = ""
    """The command that does it."""
    along: tuple[str, ...] = ()
    """Each difference before the end of the trainings, and the variants that had not stopped learning."""

    @property
    def verdict(self) -> str:
        """The verdict, with what limits it."""
        return ", ".join(part for part in (self.row.verdict, self.row.look, self.row.remark) if part)

    @property
    def symbol(self) -> str:
        """The sign of the verdict."""
        return VERDICTS.get(self.row.verdict, VERDICTS["not run"])[0]

    @property
    def style(self) -> str:
        """The class of the style sheet."""
        return VERDICTS.get(self.row.verdict, VERDICTS["not run"])[1]

    @property
    def lines(self) -> list[str]:
        """Every test, and how the claim was corrected."""
        lines = [_sentence(test) for test in self.tests]
        if evidence := p_value(self.row.p_value):
            lines.append(
                f"two-sided {evidence} before correction, intervals corrected to "
                f"{self.row.confidence:.2%} in its family"
            )
        return [*lines, *self.along]


def build(results: Results) -> Section:
    """Every claim with a verdict and the numbers that decide it."""
    claims = judged_claims(results)
    table = _table(claims)
    return Section(
        key="claims",
        title="Claims",
        content={"claims": claims, "verdicts": VERDICTS},
        tables=[table] if claims else [],
    )


def judged_claims(results: Results) -> list[JudgedClaim]:
    """The claims in their order."""
    judged = []
    for row in results.claims:
        tests = tuple(results.claim_tests.get(row.claim, ()))
        sentence = verdict_sentence(results, row, tests)
        judged.append(
            JudgedClaim(row, tests, sentence, *_to_decide(results, row, tests), _along(results, row.claim))
        )
    return judged


def _along(results: Results, claim: str) -> tuple[str, ...]:
    """What the differences of a claim were at earlier steps, and which variants were not converged."""
    rows = results.courses.get(claim, [])
    lines = []
    for _, group in groupby(rows, key=lambda row: row.test):
        *before, last = group
        earlier = ", ".join(signed(row.difference, 3) for row in before)
        steps = ", ".join(f"{row.step:,}" for row in before)
        lines.append(
            f"{last.variant} − {last.reference}: {signed(last.difference, 3)} at {last.step:,} steps; "
            f"before that {earlier} at {steps}"
        )
    compared = {name for row in rows for name in (row.variant, row.reference)}
    if unsettled := results.in_order(compared & results.not_converged):
        lines.append(f"not converged, the training loss was still falling: {', '.join(unsettled)}")
    return tuple(lines)


def _to_decide(results: Results, row: ClaimRow, tests: tuple[ClaimTestRow, ...]) -> tuple[str, str]:
    """What would decide an open claim in words, and the command for it."""
    if row.verdict == "not run":
        command = _to_run(results, row, tests)
        return ("To run it:", command) if command else ("", "")
    if row.verdict != "inconclusive" or math.isnan(row.seeds_needed):
        return "", ""
    power = f"These runs would have shown {signed(row.detectable)} four times in five"
    if math.isinf(row.seeds_needed):
        return f"{power}; no number of seeds shows {row.effect:g}, more images would have to.", ""
    needed = int(row.seeds_needed)
    seeds = [*results.plan.seeds, *(seed for seed in range(needed) if seed not in results.plan.seeds)]
    extra = needed - len(results.plan.seeds)
    if extra <= 0:
        return f"{power}, and so {row.effect:g}: the true difference is likely smaller.", ""
    variants = {name for test in tests for name in (test.variant, test.reference)}
    minutes = extra * sum(_minutes(results, name) for name in variants)
    time = f"about {count(round(minutes), 'minute')}" if minutes >= 1 else "less than a minute"
    words = f"{power}; {row.effect:g} takes {needed} seeds, {time} of training more:"
    return words, _command(results, row, seeds=tuple(seeds[:needed]))


def _to_run(results: Results, row: ClaimRow, tests: tuple[ClaimTestRow, ...]) -> str:
    """The command that runs what a claim lacks; empty where none helps."""
    if is_out_of_scope(row, tests) or needs_a_twin(results, tests):
        return ""
    if all(test.quantity == "difference" for test in tests):
        return _command(results, row)
    # What was timed and has no verdict has too small a grid.
    return "" if results.timings else results.plan.timing_command


def _command(results: Results, row: ClaimRow, **changes: tuple[int, ...]) -> str:
    """The command that runs what a claim needs."""
    chosen: dict[str, Any] = {"ablations": (), "claims": (row.claim,), **changes}
    return results.plan.selection.model_copy(update=chosen).command(results.plan.benchmark)


def _minutes(results: Results, variant: str) -> float:
    """Mean time that a training of a variant took; 0 where it is not known."""
    runs = [run for item in results.variants if item.name == variant for run in item.runs]
    times = [number(run.environment.get("wall_s")) for run in runs]
    known = [seconds / 60 for seconds in times if math.isfinite(seconds)]
    return fmean(known) if known else 0.0


def figure(test: ClaimTestRow) -> str:
    """What a test compares, its value and its interval."""
    show = {"ratio": significant, "exponent": signed}.get(test.quantity, _difference)
    return f"{_label(test)} = {show(test.value)} [{show(test.ci_low)}, {show(test.ci_high)}]"


def _difference(value: float) -> str:
    return signed(value, 4)


def _label(test: ClaimTestRow) -> str:
    if test.quantity == "difference":
        metric = METRICS[test.metric].title if test.metric in METRICS else test.metric
        return f"{metric} {test.variant} − {test.reference}"
    cost = COSTS.get(test.metric, test.metric)
    place = f" on {test.device}" if test.device else ""
    ours = operator_title(test.variant)
    theirs = " or ".join(map(operator_title, test.reference.split(" | ")))
    if test.quantity == "ratio":
        size = f" at N = {test.nodes:,}" if test.nodes else ""
        return f"{cost}, {theirs} / {ours}{size}{place}"
    return f"growth exponent of {cost}, {theirs} − {ours}{place}"


def _sentence(test: ClaimTestRow) -> str:
    if not is_known(test):
        return f"{_label(test)}: {status_words(test.status)}"
    return f"{figure(test)}, claimed > {_bound(test)}, over {test.unit}: {test.verdict}"


def _bound(test: ClaimTestRow) -> str:
    return f"{test.bound:g}".replace("-", "−")


def _number(value: float) -> Cell:
    return Cell(significant(value, 4), value=value) if math.isfinite(value) else missing(MISSING)


def _value(test: ClaimTestRow) -> Cell:
    """The value of a test with its interval, or the reason why there is none."""
    if not math.isfinite(test.value):
        return missing(status_words(test.status))
    return replace(_number(test.value), detail=significant_interval(test.ci_low, test.ci_high))


def _table(claims: list[JudgedClaim]) -> PageTable:
    """One row a test, for papers; the page shows the same as a list."""
    rows = [
        (
            Cell(claim.row.claim),
            Cell(claim.row.statement),
            Cell(claim.verdict),
            Cell(_label(test)),
            _value(test),
            *(_number(bound) for bound in (test.ci_low, test.ci_high, test.bound)),
            Cell(p_value(claim.row.p_value).removeprefix("p ").removeprefix("= "), value=claim.row.p_value),
        )
        for claim in claims
        for test in claim.tests
    ]
    words = ("Claim", "Statement", "Verdict", "Test")
    return PageTable(
        name="claims",
        caption="Claims of the paper",
        columns=(
            *(Column(title, numeric=False) for title in words),
            Column("Value"),
            *(Column(title, in_paper=False) for title in ("CI low", "CI high")),
            *(Column(title) for title in ("Claimed above", "p of the claim")),
        ),
        rows=tuple(rows),
    )
