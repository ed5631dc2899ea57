"""The results table with every variant, and the figures that sum it up."""

from __future__ import annotations

import math
from collections.abc import Sequence

from difnet.metrics import METRICS, Metric
from difnet.report.anchors import anchor
from difnet.report.comparability import comparability_warnings
from difnet.report.definitions import protocol
from difnet.report.figures.forest import differences
from difnet.report.figures.tradeoff import accuracy_and_boundaries, accuracy_and_latency
from difnet.report.load import Results
from difnet.report.narrative import summary
from difnet.report.numbers import (
    fixed,
    interval,
    number,
    p_value,
    signed,
    significant,
    significant_interval,
)
from difnet.report.published import published
from difnet.report.records import NETWORK, Comparison, Estimate
from difnet.report.section import Section
from difnet.report.sections.claims import read_claims
from difnet.report.table import Cell, Column, Table, missing
from difnet.report.variants import Variant

COSTS = {
    "latency_ms": Column("Latency", note="ms, forward"),
    "peak_memory_mb": Column("Peak memory", note="MB"),
}


def build(results: Results) -> Section:
    """Mean and interval of every metric, difference from the reference, and cost."""
    plots = [differences(results), accuracy_and_boundaries(results), accuracy_and_latency(results)]
    return Section(
        key="results",
        title="What came out",
        content={
            "summary": summary(results),
            "claims": read_claims(results),
            "warnings": comparability_warnings(results),
            "units": {
                "mean": _usual_unit(list(results.estimates["miou"].values())),
                "difference": _usual_unit(list(results.comparisons["miou"].values())),
            },
            "definitions": [
                *((metric.title, metric.definition) for metric in _shown(results)),
                *protocol(results.config.evaluate),
            ],
        },
        plots={plot.name: plot for plot in plots if plot},
        tables={"results": results_table(results)},
    )


def _usual_unit(numbers: Sequence[Estimate] | Sequence[Comparison]) -> str:
    """What most intervals of a column are over; the cells of the others say so themselves."""
    units = [item.unit for item in numbers]
    return max(sorted(set(units)), key=units.count, default="")


def _bounds(number: Estimate | Comparison, usual: str, *, sign: bool) -> list[str]:
    """Lines with an interval, and with what it is over where that is not the usual."""
    bounds = interval(number.low, number.high, sign=sign)
    return [bounds, *([f"over {number.unit}"] if number.unit != usual else [])] if bounds else []


def results_table(results: Results) -> Table:
    """One row a variant."""
    columns = [Column("Variant", numeric=False), Column("Seeds")]
    for metric in _shown(results):
        columns.append(Column(metric.title, note="" if metric.higher_is_better else "lower is better"))
        if metric.in_table == "compared":
            columns.append(Column(f"Δ {metric.title}", note="from the reference"))
    columns += [Column("Parameters"), *(COSTS[metric] for metric in _timed(results))]
    return Table(
        name="results",
        caption=f"Results on {results.data_title}, split {results.split}. Brackets: 95% interval.",
        columns=tuple(columns),
        rows=tuple(_row(results, variant) for variant in results.variants),
        tags=tuple(variant.ablation.tags for variant in results.variants),
    )


def _shown(results: Results) -> list[Metric]:
    """The metrics of the table: those that are compared, then the others that were computed."""
    compared = [metric for metric in METRICS.values() if metric.in_table == "compared"]
    described = [metric for metric in METRICS.values() if metric.in_table == "described"]
    return compared + [metric for metric in described if results.estimates[metric.name]]


def _timed(results: Results) -> list[str]:
    """The costs that whole networks were measured for."""
    return [
        metric
        for metric in COSTS
        if any(item.of_network and item.metric == metric for item in results.timings)
    ]


def _row(results: Results, variant: Variant) -> tuple[Cell, ...]:
    heading = Cell(
        text=variant.title,
        detail="\n".join([variant.name, *variant.notes]),
        link=f"#{anchor(results.name, 'run', variant.name)}",
        mark="reference" if variant.name == results.reference else "",
    )
    cells = [heading, _seeds(results, variant)]
    for metric in _shown(results):
        cells.append(_mean(results, variant, metric.name))
        if metric.in_table == "compared":
            cells.append(_difference(results, variant, metric.name))
    cells += [_parameters(variant), *(_cost(results, variant, metric) for metric in _timed(results))]
    return tuple(cells)


def _seeds(results: Results, variant: Variant) -> Cell:
    """The seeds behind the mean."""
    estimate = results.estimates["miou"].get(variant.name)
    if estimate is None or not math.isfinite(estimate.seeds):
        return missing(f"0 of {len(variant.runs)}")
    return Cell(text=f"{estimate.seeds:.0f}", value=estimate.seeds)


def _mean(results: Results, variant: Variant, metric: str) -> Cell:
    estimates = results.estimates[metric]
    estimate = estimates.get(variant.name)
    if estimate is None:
        return missing()
    if not math.isfinite(estimate.mean):
        return missing("undefined")
    usual = _usual_unit(list(estimates.values()))
    figure = published(str(results.data.get("name", "")), variant, metric)
    paper = [] if figure is None else [f"paper {fixed(figure, 4)}"]
    return Cell(
        text=fixed(estimate.mean),
        value=estimate.mean,
        detail="\n".join([*_bounds(estimate, usual, sign=False), *paper]),
    )


def _difference(results: Results, variant: Variant, metric: str) -> Cell:
    if variant.name == results.reference:
        return missing("reference")
    comparisons = results.comparisons[metric]
    comparison = comparisons.get(variant.name)
    if comparison is None:
        return missing()
    if not math.isfinite(comparison.difference):
        return missing("undefined")
    usual = _usual_unit(list(comparisons.values()))
    decision = ", ".join(part for part in (p_value(comparison.p_adjusted), comparison.direction) if part)
    return Cell(
        text=signed(comparison.difference),
        value=comparison.difference,
        detail="\n".join([*_bounds(comparison, usual, sign=True), decision]),
        mark=comparison.direction,
    )


def _parameters(variant: Variant) -> Cell:
    counts = [number(run.environment.get("parameters")) for run in variant.runs]
    counts = [value for value in counts if math.isfinite(value)]
    if not counts:
        return missing()
    return Cell(text=f"{significant(counts[0] / 1e6)} M" if counts[0] else "0", value=counts[0])


def _cost(results: Results, variant: Variant, metric: str) -> Cell:
    """The whole network's cost, on a GPU if it was measured on one."""
    subject = f"{NETWORK}{variant.name}"
    rows = [item for item in results.timings if item.setting.subject == subject and item.metric == metric]
    if not rows:
        return missing()
    done = sorted((item for item in rows if item.measured), key=lambda item: item.setting.device == "cpu")
    if not done:
        return missing(rows[0].status_words)
    bounds = significant_interval(done[0].low, done[0].high)
    return Cell(
        text=significant(done[0].value),
        value=done[0].value,
        detail=f"{bounds}\n{done[0].setting.device}".strip(),
    )
