"""Paired differences from the reference with their intervals; of swept variants also at the same values."""

from __future__ import annotations

import math
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from difnet.config.variants import ablation_of, values_of
from difnet.metrics import METRICS
from difnet.report.figures.plot import INK, MUTED, SERIES, Plot, hint
from difnet.report.figures.row_panels import fit, row_panels, write_value
from difnet.report.load import Results
from difnet.report.numbers import interval, p_value, signed
from difnet.report.rows import direction
from difnet.tables import ComparisonRow

Differences = dict[str, ComparisonRow]
"""By variant."""


def differences(results: Results) -> Plot | None:
    """One panel a metric, one line a variant, in the order of the difference in mIoU."""
    panels = _panels(lambda metric: finite_differences(results, results.comparisons[metric]))
    if not panels:
        return None
    order: list[str] = []
    for found in panels.values():
        falling = sorted(found, key=lambda name: -found[name].difference)
        order += [name for name in falling if name not in order]
    reference = results.title_of(results.reference)
    return Plot(
        name="differences",
        finding=" ".join(_count(title, reference, found) for title, found in panels.items()),
        caption=f"Difference from the reference ({reference}), paired by seed and image, with its "
        "corrected interval. Filled and blue: distinguishable from zero after correction for the number of "
        "comparisons; open and grey: not. An arrow points to a difference that lies outside the axes.",
        draw=lambda width: _draw(results, panels, order, width),
    )


def gains(results: Results) -> Plot | None:
    """One panel a metric, one line a swept variant in the order of the plan: the reference has its values."""
    panels = _panels(lambda metric: _gains_in(results, metric))
    if not panels:
        return None
    order = results.in_order({name for found in panels.values() for name in found})
    reference = results.title_of(ablation_of(results.reference))
    return Plot(
        name="gains",
        finding=" ".join(
            _count(title, f"{reference} at the same values", found) for title, found in panels.items()
        ),
        caption=f"Difference from {reference} with the same swept values, paired by seed and image, with its "
        "corrected interval; a line that names no value has those of the benchmark. Filled and blue: "
        "distinguishable from zero after correction for the number of comparisons; open and grey: not.",
        draw=lambda width: _draw(results, panels, order, width),
    )


def _panels(found_in: Callable[[str], Differences]) -> dict[str, Differences]:
    """By title, the metrics of the table that have differences."""
    compared = (metric for metric in METRICS.values() if metric.in_table == "compared")
    return {metric.title: found for metric in compared if (found := found_in(metric.name))}


def _gains_in(results: Results, metric: str) -> Differences:
    """The swept variants, and of each ablation the one with the values of the reference itself."""
    swept = finite_differences(results, results.gains[metric])
    compared = finite_differences(results, results.comparisons[metric])
    ablations = {ablation_of(name) for name in swept}
    alike = {
        name: row
        for name, row in compared.items()
        if ablation_of(name) in ablations and values_of(name) == values_of(results.reference)
    }
    return alike | swept


def _draw(results: Results, panels: dict[str, Differences], order: list[str], width: float) -> Figure:
    titles = {name: results.title_of(name) for name in order}
    figure, all_axes = row_panels(
        width, list(titles.values()), [f"difference in {title}" for title in panels]
    )
    for axes, found in zip(all_axes, panels.values(), strict=True):
        draw_differences(axes, {name: found.get(name) for name in order}, titles, results.untrained)
    return figure


def finite_differences(results: Results, found: Differences) -> Differences:
    """The comparisons that have a difference, by variant."""
    return {name: found[name] for name in results.in_order(found) if math.isfinite(found[name].difference)}


def draw_differences(
    axes: Axes, rows: dict[str, ComparisonRow | None], titles: dict[str, str], outside: frozenset[str]
) -> None:
    """A line a variant, filled where its difference counts; the axis fits all but those `outside`."""
    axes.axvline(0, color=INK, linewidth=1)
    known = {name: row for name, row in rows.items() if row is not None}
    fitted = [row for name, row in known.items() if name not in outside] or list(known.values())
    ends = [end for row in fitted for end in (row.difference, row.ci_low, row.ci_high) if math.isfinite(end)]
    fit(axes, [0.0, *ends])
    for place, (name, row) in enumerate(rows.items()):
        if row is None:
            continue
        decided = direction(row) != "undecided"
        colour = SERIES[0] if decided else MUTED
        if math.isfinite(row.ci_low + row.ci_high):
            axes.plot([row.ci_low, row.ci_high], [place, place], color=colour, linewidth=1.6)
        (dot,) = axes.plot(
            row.difference,
            place,
            marker="o",
            markersize=6,
            color=colour,
            markerfacecolor=colour if decided else "none",
            linestyle="none",
        )
        evidence = (interval(row.ci_low, row.ci_high, sign=True), p_value(row.p_adjusted))
        hint(dot, f"{titles[name]}: {' '.join((signed(row.difference), *filter(None, evidence)))}")
        write_value(axes, place, row.difference, signed(row.difference))


def _count(label: str, reference: str, found: dict[str, ComparisonRow]) -> str:
    words = [direction(comparison) for comparison in found.values()]
    return (
        f"Of {len(words)} compared with {reference} in {label}, {words.count('higher')} are higher, "
        f"{words.count('lower')} lower and {words.count('undecided')} undecided."
    )
