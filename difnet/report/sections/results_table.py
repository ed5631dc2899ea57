"""The verdicts in words, the table of every variant, and the figures that sum it up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from difnet.config import EvaluateConfig
from difnet.metrics import METRICS, Metric
from difnet.report.figures.forest import differences, gains
from difnet.report.figures.seeds import scores_by_seed
from difnet.report.figures.tradeoff import accuracy_and_boundaries, accuracy_and_latency
from difnet.report.load import Results
from difnet.report.numbers import (
    fixed,
    interval,
    number,
    p_value,
    signed,
    significant,
    significant_interval,
)
from difnet.report.page_table import Cell, Column, PageTable, missing
from difnet.report.rows import direction, measured, status_words, timed_variant
from difnet.report.run_records import VariantRuns
from difnet.report.section import Section, anchor
from difnet.report.sections.paper_claims import judged_claims
from difnet.report.sections.trust import warnings
from difnet.report.summary import summary
from difnet.tables import ComparisonRow, SummaryRow

COSTS = {
    "latency_ms": Column("Latency", note="ms, forward", in_paper=False),
    "peak_memory_mb": Column("Peak memory", note="MB", in_paper=False),
}


def build(results: Results) -> Section:
    """Mean and interval of every metric, difference from the reference, and cost."""
    plots = [
        scores_by_seed(results),
        differences(results),
        gains(results),
        accuracy_and_boundaries(results),
        accuracy_and_latency(results),
    ]
    return Section(
        key="results",
        title="What came out",
        content={
            "summary": summary(results),
            "claims": judged_claims(results),
            "warnings": len(warnings(results)),
            "units": {
                "mean": _usual_unit(list(results.estimates["miou"].values())),
                "difference": _usual_unit(list(results.comparisons["miou"].values())),
            },
            "definitions": [
                *((metric.title, metric.definition) for metric in _shown(results)),
                *protocol(results.plan.evaluate),
            ],
        },
        plots=[plot for plot in plots if plot],
        tables=[results_table(results)],
    )


def _usual_unit(numbers: Sequence[SummaryRow] | Sequence[ComparisonRow]) -> str:
    """What most intervals of a column are over; the cells of the others say so themselves."""
    units = [item.unit for item in numbers]
    return max(sorted(set(units)), key=units.count, default="")


def _bounds(number: SummaryRow | ComparisonRow, usual: str, *, sign: bool) -> list[str]:
    """Lines with an interval, and with what it is over where that is not the usual."""
    bounds = interval(number.ci_low, number.ci_high, sign=sign)
    return [bounds, *([f"over {number.unit}"] if number.unit != usual else [])] if bounds else []


def results_table(results: Results) -> PageTable:
    """One row a variant, the highest mIoU first; the best of each column is marked."""
    columns = [Column("Variant", numeric=False), Column("Seeds")]
    for metric in _shown(results):
        compared = metric.in_table == "compared"
        note = "" if metric.higher_is_better else "lower is better"
        columns.append(Column(metric.title, note=note, in_paper=compared))
        if compared:
            columns.append(Column(f"Δ {metric.title}", note="from the reference"))
    if any(map(_selects, results.variants)):
        columns.append(Column("Best mIoU on val", note="by selection, never judged"))
    columns += [Column("Parameters")]
    columns += [COSTS[metric] for metric in _timed(results)]
    first, *_ = _shown(results)
    means = {name: row.mean for name, row in results.estimates[first.name].items() if math.isfinite(row.mean)}
    variants = sorted(results.variants, key=lambda variant: -means.get(variant.name, -math.inf))
    units = (
        _usual_unit(list(results.estimates[first.name].values())),
        _usual_unit(list(results.comparisons[first.name].values())),
    )
    return PageTable(
        name="results",
        caption=f"Results on {results.data.title}, split {results.split}. Brackets: 95% interval.",
        columns=tuple(columns),
        rows=tuple(_row(results, variant) for variant in variants),
        tags=tuple(variant.plan.tags for variant in variants),
        sample=_sample(*units),
    )


def _sample(mean: str, difference: str) -> str:
    """What means and differences are over, for a caption; nothing where nothing was compared."""
    parts = [f"Means over {mean}" if mean else "", f"differences over {difference}" if difference else ""]
    return "; ".join(filter(None, parts)) + "." if any(parts) else ""


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
        if any(timed_variant(item) and item.metric == metric for item in results.timings)
    ]


def _row(results: Results, variant: VariantRuns) -> tuple[Cell, ...]:
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
    if any(map(_selects, results.variants)):
        cells.append(_best_on_val(variant))
    cells += [_parameters(variant), *(_cost(results, variant, metric) for metric in _timed(results))]
    return tuple(cells)


def _seeds(results: Results, variant: VariantRuns) -> Cell:
    """The seeds behind the mean."""
    estimate = results.estimates["miou"].get(variant.name)
    seeds, planned = estimate.n_seeds if estimate else 0, len(variant.runs)
    return Cell(text=f"{seeds}" if seeds == planned else f"{seeds} of {planned}", value=seeds)


def _mean(results: Results, variant: VariantRuns, metric: str) -> Cell:
    estimates = results.estimates[metric]
    estimate = estimates.get(variant.name)
    if estimate is None:
        return missing()
    if not math.isfinite(estimate.mean):
        return missing("undefined")
    usual = _usual_unit(list(estimates.values()))
    rivals = [
        row.mean
        for name, row in estimates.items()
        if math.isfinite(row.mean) and not _sees_truth(results, name)
    ]
    best = (
        max(rivals, default=math.nan) if METRICS[metric].higher_is_better else min(rivals, default=math.nan)
    )
    return Cell(
        text=fixed(estimate.mean),
        value=estimate.mean,
        detail="\n".join(_bounds(estimate, usual, sign=False)),
        best=estimate.mean == best and not variant.sees_truth,
        numbers={"CI low": estimate.ci_low, "CI high": estimate.ci_high},
    )


def _sees_truth(results: Results, name: str) -> bool:
    return any(variant.sees_truth for variant in results.variants if variant.name == name)


def _difference(results: Results, variant: VariantRuns, metric: str) -> Cell:
    if variant.name == results.reference:
        return missing("reference")
    comparisons = results.comparisons[metric]
    comparison = comparisons.get(variant.name)
    if comparison is None:
        return missing()
    if not math.isfinite(comparison.difference):
        return missing("undefined")
    usual = _usual_unit(list(comparisons.values()))
    word = direction(comparison)
    decision = ", ".join(part for part in (p_value(comparison.p_adjusted), word) if part)
    effect = comparison.effect_size
    size = [f"effect {signed(effect, 1)}"] if math.isfinite(effect) else []
    return Cell(
        text=signed(comparison.difference),
        value=comparison.difference,
        detail="\n".join([*_bounds(comparison, usual, sign=True), decision, *size]),
        mark=word,
        numbers={
            "CI low": comparison.ci_low,
            "CI high": comparison.ci_high,
            "p": comparison.p_adjusted,
            "effect size": effect,
        },
    )


def _selects(variant: VariantRuns) -> bool:
    """Whether the best weights on `val` stand beside the last, which are scored."""
    return variant.plan.config.train.select == "both"


def _best_on_val(variant: VariantRuns) -> Cell:
    """Mean over the seeds of the best mIoU that a training saw on `val`: what the authors' code reports."""
    found = [number(run.environment.get("selected", {}).get("miou")) for run in variant.runs]
    found = [miou for miou in found if math.isfinite(miou)]
    if not found or not _selects(variant):
        return missing()
    looks = variant.plan.config.train.looks_at_val
    return Cell(text=fixed(fmean(found)), value=fmean(found), detail=f"best of {looks} looks at val")


def _parameters(variant: VariantRuns) -> Cell:
    counts = [number(run.environment.get("parameters")) for run in variant.runs]
    counts = [value for value in counts if math.isfinite(value)]
    if not counts:
        return missing()
    return Cell(text=f"{significant(counts[0] / 1e6)} M" if counts[0] else "0", value=counts[0])


def _cost(results: Results, variant: VariantRuns, metric: str) -> Cell:
    """The whole network's cost, on a GPU if it was measured on one."""
    rows = [item for item in results.timings if timed_variant(item) == variant.name and item.metric == metric]
    if not rows:
        return missing()
    done = sorted((item for item in rows if measured(item)), key=lambda item: item.device == "cpu")
    if not done:
        return missing(status_words(rows[0].status))
    bounds = significant_interval(done[0].ci_low, done[0].ci_high)
    return Cell(
        text=significant(done[0].value),
        value=done[0].value,
        detail=f"{bounds}\n{done[0].device}".strip(),
        numbers={"CI low": done[0].ci_low, "CI high": done[0].ci_high},
    )


def protocol(evaluate: EvaluateConfig) -> list[tuple[str, str]]:
    """How images are predicted, under a heading; nothing where each is predicted once at its own size."""
    steps = []
    if evaluate.pad is not None:
        steps.append(f"padded to {evaluate.pad[0]} × {evaluate.pad[1]} pixels, which never count")
    if evaluate.scales != (1.0,):
        steps.append(f"at scales {', '.join(f'{scale:g}' for scale in evaluate.scales)}")
    if evaluate.flip:
        steps.append("with its mirror image")
    if not steps:
        return []
    several = len(evaluate.scales) > 1 or evaluate.flip
    mean = ", mean of the class probabilities" if several else ""
    return [
        (
            "prediction",
            f"Each image is predicted {', '.join(steps)}{mean}. Scores before diffusion, importance maps and "
            "walks in this report are those of the image at its own size.",
        )
    ]
