"""IoU of every class and variant."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from difnet.report.figures.plot import WIDE, Plot, new_figure
from difnet.report.figures.side_labels import in_lines
from difnet.report.load import Results
from difnet.report.numbers import fixed, signed
from difnet.report.page_table import Cell, Column, PageTable, missing
from difnet.report.section import Section

MAX_ANNOTATED = 25
"""Most classes whose numbers stand in the figure."""


def build(results: Results) -> Section:
    """A heat map that is a table; as a figure it is only written to a file."""
    table, finding = _class_table(results), _finding(results)
    return Section(
        key="classes",
        title="Classes",
        content={"finding": finding},
        plots=[_heatmap(table, finding)] if table.rows else [],
        tables=[table] if table.rows else [],
    )


def _class_table(results: Results) -> PageTable:
    """Mean IoU over seeds, one row a variant, one column a class."""
    iou = results.class_iou
    classes = [name for name in results.data.classes if name in iou]
    classes += [name for name in iou if name not in classes]
    scored = {variant for row in iou.values() for variant in row}
    rows = []
    for variant in results.in_order(scored):
        values = [iou[name].get(variant, math.nan) for name in classes]
        cells = [
            Cell(text=fixed(value, 2), value=value, heat=value) if math.isfinite(value) else missing("–")
            for value in values
        ]
        rows.append((Cell(text=results.title_of(variant)), *cells))
    return PageTable(
        name="classes",
        caption=f"IoU of each class, mean over seeds, split {results.split}. Deeper shade: higher IoU.",
        columns=(Column("Variant", numeric=False), *(Column(name) for name in classes)),
        rows=tuple(rows),
    )


def _finding(results: Results) -> str:
    """The reference's range, and the largest lead of another variant."""
    own = {
        name: row[results.reference]
        for name, row in results.class_iou.items()
        if math.isfinite(row.get(results.reference, math.nan))
    }
    if not own:
        return ""
    easy, hard = max(own, key=own.__getitem__), min(own, key=own.__getitem__)
    text = (
        f"For {results.title_of(results.reference)}, mean IoU runs from {fixed(own[hard], 2)} ({hard}) to "
        f"{fixed(own[easy], 2)} ({easy})."
    )
    leads = {
        (name, variant): value - own[name]
        for name in own
        for variant, value in results.class_iou[name].items()
        if variant != results.reference and math.isfinite(value)
    }
    if not leads:
        return text
    name, variant = max(leads, key=lambda pair: leads[pair])
    lead = leads[name, variant]
    if lead <= 0:
        return f"{text} No other variant has a higher mean on any class."
    return (
        f"{text} The largest lead of another variant is {signed(lead, 2)} on {name} "
        f"({results.title_of(variant)}); it is not tested for significance."
    )


def _heatmap(table: PageTable, finding: str) -> Plot:
    """A heat map of the table of class IoU; many classes need more than the width of a paper."""
    values = pd.DataFrame(
        [[cell.value for cell in row[1:]] for row in table.rows],
        index=[in_lines(row[0].text, 26) for row in table.rows],
        columns=[in_lines(column.title, 18) for column in table.columns[1:]],
    )

    def draw(width: float) -> Figure:
        rows, columns = values.shape
        figure = new_figure(max(width, 2.4 + 0.3 * columns), 1.0 + 0.3 * rows)
        axes = figure.subplots()
        sns.heatmap(
            values,
            ax=axes,
            vmin=0.0,
            vmax=1.0,
            cmap="cividis",
            annot=columns <= MAX_ANNOTATED and width == WIDE,
            fmt=".2f",
            annot_kws={"fontsize": 8},
            cbar_kws={"label": "IoU"},
            xticklabels=False,  # seaborn's search for those that overlap takes gigabytes for a hundred rows
            yticklabels=False,
        )
        axes.set_xticks(np.arange(columns) + 0.5, values.columns, rotation=45)
        axes.set_yticks(np.arange(rows) + 0.5, values.index)
        return figure

    return Plot(name="classes", finding=finding, caption=table.caption, draw=draw)
