"""IoU of every class and variant as a figure; the page shows the same numbers as a table."""

from __future__ import annotations

import pandas as pd
import seaborn as sns

from difnet.report.figures.labels import shorten
from difnet.report.figures.plot import Plot, new_figure
from difnet.report.table import Table

MAX_ANNOTATED = 25


def class_heatmap(table: Table, finding: str) -> Plot:
    """A heat map of the table of class IoU."""
    values = pd.DataFrame(
        [[cell.value for cell in row[1:]] for row in table.rows],
        index=[shorten(row[0].text) for row in table.rows],
        columns=[shorten(column.title, 18) for column in table.columns[1:]],
    )
    rows, columns = values.shape
    figure = new_figure(2.4 + 0.5 * columns, 1.0 + 0.3 * rows)
    axes = figure.subplots()
    sns.heatmap(
        values,
        ax=axes,
        vmin=0.0,
        vmax=1.0,
        cmap="cividis",
        annot=columns <= MAX_ANNOTATED,
        fmt=".2f",
        annot_kws={"fontsize": 8},
        cbar_kws={"label": "IoU"},
    )
    axes.tick_params(axis="x", rotation=45)
    return Plot(name="classes", finding=finding, caption=table.caption, figure=figure)
