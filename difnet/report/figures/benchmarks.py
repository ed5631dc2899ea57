"""Differences from the reference on every benchmark beside each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from difnet.report.figures.forest import draw_difference
from difnet.report.figures.labels import shorten
from difnet.report.figures.plot import INK, Plot, new_figure
from difnet.report.load import Results
from difnet.report.numbers import count, listing
from difnet.report.records import Comparison


def across_differences(benchmarks: Sequence[Results]) -> Plot | None:
    """One panel a benchmark, one line a variant."""
    found = {results.name: _finite(results) for results in benchmarks}
    shown = [results for results in benchmarks if found[results.name]]
    if not shown:
        return None
    titles: dict[str, str] = {}
    for results in shown:
        titles |= {name: results.title_of(name) for name in results.in_order(list(found[results.name]))}
    order = list(titles)
    figure = new_figure(2.6 + 2.4 * len(shown), 1.3 + 0.27 * len(order))
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, results in zip(panels, shown, strict=True):
        axes.axvline(0, color=INK, linewidth=1)
        for place, name in enumerate(order):
            if name in found[results.name]:
                draw_difference(axes, place, found[results.name][name])
        axes.set_yticks(range(len(order)), [shorten(titles[name]) for name in order])
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.set_title(shorten(results.config.title, 26), fontsize=9)
        axes.set_xlabel("difference in mIoU", fontsize=9)
        axes.grid(axis="y", visible=False)
    return Plot(
        name="benchmarks",
        finding=_finding(shown, found, titles),
        caption="Difference from the reference of each benchmark, paired by seed and image, with its 95% "
        "interval. Filled and blue: distinguishable from zero after correction within the benchmark; open "
        "and grey: not.",
        figure=figure,
    )


def _finite(results: Results) -> dict[str, Comparison]:
    return {
        name: item for name, item in results.comparisons["miou"].items() if math.isfinite(item.difference)
    }


def _finding(
    shown: Sequence[Results], found: dict[str, dict[str, Comparison]], titles: dict[str, str]
) -> str:
    """Which variants differ in the same direction everywhere."""
    shared = [name for name in titles if all(name in found[results.name] for results in shown)]
    parts = []
    for direction in ("higher", "lower"):
        same = [
            titles[name]
            for name in shared
            if all(found[results.name][name].direction == direction for results in shown)
        ]
        parts.append(f"{direction} on all: {listing(same)}")
    return f"Of {count(len(shared), 'variant')} compared on {len(shown)} benchmarks, {'; '.join(parts)}."
