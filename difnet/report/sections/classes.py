"""IoU of every class and variant."""

from __future__ import annotations

import math

from difnet.report.figures.heatmap import class_heatmap
from difnet.report.load import Results
from difnet.report.numbers import fixed, signed
from difnet.report.section import Section
from difnet.report.table import Cell, Column, Table, missing


def build(results: Results) -> Section:
    """A heat map that is a table; as a figure it is only written to a file."""
    table, finding = class_table(results), _finding(results)
    return Section(
        key="classes",
        title="Classes",
        content={"finding": finding},
        plots={"classes": class_heatmap(table, finding)} if table.rows else {},
        tables={"classes": table} if table.rows else {},
    )


def class_table(results: Results) -> Table:
    """Mean IoU over seeds, one row a variant, one column a class."""
    iou = results.class_iou
    classes = [name for name in results.classes if name in iou]
    classes += [name for name in iou if name not in classes]
    scored = {variant for row in iou.values() for variant in row}
    rows = []
    for variant in results.in_order(sorted(scored)):
        values = [iou[name].get(variant, math.nan) for name in classes]
        cells = [
            Cell(text=fixed(value, 2), value=value, heat=value) if math.isfinite(value) else missing("–")
            for value in values
        ]
        rows.append((Cell(text=results.title_of(variant)), *cells))
    return Table(
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
