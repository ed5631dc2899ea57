"""All benchmarks of a report beside each other: their mIoU, and the differences from the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from difnet.report.figures.forest import draw_differences, finite_differences
from difnet.report.figures.plot import Plot
from difnet.report.figures.row_panels import row_panels
from difnet.report.figures.side_labels import in_lines
from difnet.report.load import Results
from difnet.report.numbers import count, fixed, interval, listing
from difnet.report.page_table import Cell, Column, PageTable, missing
from difnet.report.rows import direction
from difnet.report.section import Section
from difnet.tables import ComparisonRow


def build(benchmarks: Sequence[Results]) -> Section:
    """One table with a column a benchmark, one figure with a panel a benchmark."""
    table, plot = _means(benchmarks), _differences(benchmarks)
    return Section(
        key="benchmarks",
        title="All benchmarks",
        plots=[plot] if plot else [],
        tables=[table],
    )


def _means(benchmarks: Sequence[Results]) -> PageTable:
    """Mean mIoU, one row a variant."""
    titles = {variant.name: variant.title for results in benchmarks for variant in results.variants}
    rows = [
        (Cell(text=title, detail=name), *(_miou(results, name) for results in benchmarks))
        for name, title in titles.items()
    ]
    return PageTable(
        name="benchmarks",
        caption="mIoU on every benchmark. Brackets: 95% interval. Columns are not comparable.",
        columns=(
            Column("Variant", numeric=False),
            *(
                Column(results.title, note="synthetic" if results.data.synthetic else "")
                for results in benchmarks
            ),
        ),
        rows=tuple(rows),
    )


def _miou(results: Results, variant: str) -> Cell:
    estimate = results.estimates["miou"].get(variant)
    if estimate is None or not math.isfinite(estimate.mean):
        return missing()
    bounds = interval(estimate.ci_low, estimate.ci_high)
    return Cell(text=fixed(estimate.mean), value=estimate.mean, detail=bounds)


def _differences(benchmarks: Sequence[Results]) -> Plot | None:
    """Differences from the reference, one line a variant."""
    found = {results.name: finite_differences(results, results.comparisons["miou"]) for results in benchmarks}
    shown = [results for results in benchmarks if found[results.name]]
    if not shown:
        return None
    titles = {name: results.title_of(name) for results in shown for name in found[results.name]}

    def draw(width: float) -> Figure:
        headings = [f"difference in mIoU,\n{in_lines(results.title, 30)}" for results in shown]
        figure, panels = row_panels(width, list(titles.values()), headings)
        for axes, results in zip(panels, shown, strict=True):
            rows = {name: found[results.name].get(name) for name in titles}
            draw_differences(axes, rows, titles, results.untrained)
        return figure

    return Plot(
        name="benchmarks",
        finding=_finding([found[results.name] for results in shown], titles),
        caption="Difference from the reference of each benchmark, paired by seed and image, with its "
        "corrected interval. Filled and blue: distinguishable from zero after correction within the "
        "benchmark; open and grey: not.",
        draw=draw,
    )


def _finding(found: Sequence[dict[str, ComparisonRow]], titles: dict[str, str]) -> str:
    """Which variants differ in the same direction everywhere."""
    shared = [name for name in titles if all(name in comparisons for comparisons in found)]
    parts = []
    for word in ("higher", "lower"):
        same = [
            titles[name]
            for name in shared
            if all(direction(comparisons[name]) == word for comparisons in found)
        ]
        parts.append(f"{word} on all: {listing(same)}")
    return f"Of {count(len(shared), 'variant')} compared on {len(found)} benchmarks, {'; '.join(parts)}."
