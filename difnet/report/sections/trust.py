"""Whether the numbers can be believed: what was run, what is mixed, how small a difference would be seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from difnet.metrics import METRICS
from difnet.report.comparability import comparability_warnings
from difnet.report.load import Results
from difnet.report.numbers import count, fixed, listing
from difnet.report.published import DATA, published
from difnet.report.section import Section
from difnet.report.table import Cell, Column, Table, missing


@dataclass(frozen=True)
class Check:
    """One sentence, and whether it is good news."""

    good: bool
    text: str


def build(results: Results) -> Section:
    """One line a check, and the paper's figures beside ours where it has any on these data."""
    table = _paper_table(results)
    return Section(
        key="trust",
        title="Can I trust it?",
        content={"checks": _checks(results)},
        tables={table.name: table} if table.rows else {},
    )


def _checks(results: Results) -> list[Check]:
    checks = [_finished(results), _data(results)]
    warnings = comparability_warnings(results)
    checks += [Check(False, warning) for warning in warnings]
    if not warnings and any(run.environment for variant in results.variants for run in variant.runs):
        checks.append(Check(True, "All runs share code, data, device, PyTorch and number of threads."))
    checks += [
        Check(False, f"{variant.title}: {note}.") for variant in results.variants for note in variant.notes
    ]
    checks += [_seeds(results), *_power(results), _paper(results)]
    if results.problems:
        files = count(len(results.problems), "file")
        checks.append(Check(False, f"{files} missing or not readable; the last section names them."))
    return checks


def _finished(results: Results) -> Check:
    runs = [run for variant in results.variants for run in variant.runs]
    finished = sum(run.scored for run in runs)
    waiting = [variant.title for variant in results.variants if variant.finished < len(variant.runs)]
    text = f"{finished} of {count(len(runs), 'planned run')} finished and scored"
    return Check(not waiting, f"{text}; incomplete: {listing(waiting)}." if waiting else f"{text}.")


def _data(results: Results) -> Check:
    if results.synthetic:
        return Check(False, "The images are generated: nothing here is evidence about photographs.")
    return Check(True, f"The images are those of {results.data_title}.")


def _seeds(results: Results) -> Check:
    seeds = len(results.config.seeds)
    if seeds == 1:
        text = "One seed a variant: intervals are over images alone and leave out the chance of training."
    else:
        text = (
            f"{seeds} seeds, images, order and recipe are the same for all variants: differences are paired."
        )
    return Check(seeds >= 3, text)


def _power(results: Results) -> list[Check]:
    """How large a difference these runs would find."""
    limits = [item.detectable for item in results.comparisons["miou"].values()]
    limits = [limit for limit in limits if math.isfinite(limit)]
    if not limits:
        return []
    text = (
        f"A true difference in mIoU is found four times in five if it is at least {fixed(min(limits))} (the "
        f"steadiest variant) or {fixed(max(limits))} (the least steady); smaller ones mostly stay undecided."
    )
    return [Check(True, text)]


def _paper(results: Results) -> Check:
    if results.data.get("name") == DATA:
        return Check(True, "The paper reports figures on this data set; they stand beside ours.")
    return Check(
        False,
        "The paper reports no figures on this data set, so its claims are tested here, not its numbers.",
    )


def _paper_table(results: Results) -> Table:
    """One row a variant and metric for which the paper has a figure."""
    data, rows = str(results.data.get("name", "")), []
    for variant in results.variants:
        for metric in METRICS.values():
            figure = published(data, variant, metric.name)
            if figure is None:
                continue
            estimate = results.estimates[metric.name].get(variant.name)
            ours = Cell(fixed(estimate.mean, 4), value=estimate.mean) if estimate else missing()
            gap = estimate.mean - figure if estimate else math.nan
            rows.append(
                (
                    Cell(variant.title, detail=variant.name),
                    Cell(metric.title),
                    Cell(fixed(figure, 4), value=figure),
                    ours,
                    Cell(fixed(gap, 4), value=gap) if estimate else missing(),
                )
            )
    return Table(
        name="paper",
        caption="The paper's figures and ours.",
        columns=(
            Column("Variant", numeric=False),
            Column("Metric", numeric=False),
            Column("Paper"),
            Column("Here"),
            Column("Here − paper"),
        ),
        rows=tuple(rows),
    )
