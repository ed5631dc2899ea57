"""Paired differences of every variant from the reference, with their intervals."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from difnet.metrics import METRICS
from difnet.report.figures.plot import INK, MUTED, SERIES, Plot, new_figure
from difnet.report.figures.side_labels import shorten
from difnet.report.load import Results
from difnet.report.rows import direction
from difnet.tables import ComparisonRow


def differences(results: Results) -> Plot | None:
    """One panel a metric, one line a variant, in the order of the difference in mIoU."""
    panels = {
        metric.title: finite_differences(results, metric.name)
        for metric in METRICS.values()
        if metric.in_table == "compared"
    }
    panels = {title: found for title, found in panels.items() if found}
    if not panels:
        return None
    order: list[str] = []
    for found in panels.values():
        ascending = sorted(found, key=lambda name: found[name].difference)
        order += [name for name in ascending if name not in order]
    figure = new_figure(6.8, 1.2 + 0.27 * len(order))
    for axes, (title, found) in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels.items(), strict=True
    ):
        axes.axvline(0, color=INK, linewidth=1)
        for place, name in enumerate(order):
            if name in found:
                draw_difference(axes, place, found[name])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.set_yticks(range(len(order)), [shorten(results.title_of(name)) for name in order])
        axes.set_ylim(-0.6, len(order) - 0.4)
        axes.set_xlabel(f"difference in {title}")
        axes.grid(axis="y", visible=False)
    reference = results.title_of(results.reference)
    return Plot(
        name="differences",
        finding=" ".join(_count(title, reference, found) for title, found in panels.items()),
        caption=f"Difference from the reference ({reference}), paired by seed and image, with its "
        "corrected interval. Filled and blue: distinguishable from zero after correction for the number of "
        "comparisons; open and grey: not.",
        figure=figure,
    )


def finite_differences(results: Results, metric: str) -> dict[str, ComparisonRow]:
    """The comparisons that have a difference, by variant."""
    found = results.comparisons[metric]
    return {name: found[name] for name in results.in_order(found) if math.isfinite(found[name].difference)}


def draw_difference(axes: Axes, place: int, comparison: ComparisonRow) -> None:
    """A difference with its interval on line `place`, filled where it counts."""
    decided = direction(comparison) != "undecided"
    colour = SERIES[0] if decided else MUTED
    if math.isfinite(comparison.ci_low + comparison.ci_high):
        axes.plot([comparison.ci_low, comparison.ci_high], [place, place], color=colour, linewidth=1.6)
    axes.plot(
        comparison.difference,
        place,
        marker="o",
        markersize=6,
        color=colour,
        markerfacecolor=colour if decided else "none",
        linestyle="none",
    )


def _count(label: str, reference: str, found: dict[str, ComparisonRow]) -> str:
    words = [direction(comparison) for comparison in found.values()]
    return (
        f"Of {len(words)} compared with {reference} in {label}, {words.count('higher')} are higher, "
        f"{words.count('lower')} lower and {words.count('undecided')} undecided."
    )
