"""The score of every seed, with the mean of each variant."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from difnet.metrics import METRICS
from difnet.report.figures.plot import INK, SERIES, Plot, hint
from difnet.report.figures.row_panels import fit, row_panels, write_value
from difnet.report.load import Results
from difnet.report.numbers import fixed, interval
from difnet.tables import SummaryRow


def scores_by_seed(results: Results) -> Plot | None:
    """One panel a compared metric, one line a variant, the best on top, one dot a seed."""
    panels = {
        metric.name: found
        for metric in METRICS.values()
        if metric.in_table == "compared" and (found := _known(results, metric.name))
    }
    if not panels:
        return None
    first = next(iter(panels))
    order = sorted(panels[first], key=lambda name: -panels[first][name].mean)
    return Plot(
        name="seeds",
        finding=_finding(results, first, order),
        caption="One dot a seed; the stroke is the mean over seeds, the line its 95% interval, the number "
        "the mean. The axes fit the variants that are trained; an arrow points to one that lies outside.",
        draw=lambda width: _draw(results, panels, order, width),
    )


def _known(results: Results, metric: str) -> dict[str, SummaryRow]:
    return {name: row for name, row in results.estimates[metric].items() if math.isfinite(row.mean)}


def _draw(
    results: Results, panels: dict[str, dict[str, SummaryRow]], order: list[str], width: float
) -> Figure:
    titles = [results.title_of(name) for name in order]
    figure, all_axes = row_panels(width, titles, [METRICS[metric].title for metric in panels])
    for axes, (metric, found) in zip(all_axes, panels.items(), strict=True):
        seeds = {name: results.seed_scores(metric, name) for name in found}
        names = [name for name in found if name not in results.untrained] or list(found)
        bounds = [
            end
            for name in names
            for end in (found[name].ci_low, found[name].ci_high, found[name].mean, *seeds[name].values())
        ]
        fit(axes, [end for end in bounds if math.isfinite(end)])
        for place, name in enumerate(order):
            if name not in found:
                continue
            row = found[name]
            if math.isfinite(row.ci_low + row.ci_high):
                axes.plot([row.ci_low, row.ci_high], [place, place], color=SERIES[0], linewidth=1.4)
            for seed, score in seeds[name].items():
                (dot,) = axes.plot(
                    score, place, marker="o", markersize=5, color=SERIES[1], alpha=0.6, linestyle="none"
                )
                hint(dot, f"{results.title_of(name)}, seed {seed}: {fixed(score)}")
            (mean,) = axes.plot(
                row.mean, place, marker="|", markersize=12, markeredgewidth=2, color=INK, linestyle="none"
            )
            hint(mean, f"{results.title_of(name)}: {fixed(row.mean)} {interval(row.ci_low, row.ci_high)}")
            write_value(axes, place, row.mean, fixed(row.mean))
    return figure


def _finding(results: Results, metric: str, order: list[str]) -> str:
    """How far apart the seeds of the reference and of the least steady variant are."""
    ranges = {
        name: (min(scores), max(scores))
        for name in order
        if len(scores := [*results.seed_scores(metric, name).values()]) > 1
    }
    label = METRICS[metric].title
    if not ranges:
        return f"{label} of one seed a variant, from {fixed(results.estimates[metric][order[0]].mean)} down."
    widest = max(ranges, key=lambda name: ranges[name][1] - ranges[name][0])
    low, high = ranges[widest]
    return (
        f"Seeds of one variant differ in {label} by up to {fixed(high - low)}: {results.title_of(widest)} "
        f"runs from {fixed(low)} to {fixed(high)}."
    )
