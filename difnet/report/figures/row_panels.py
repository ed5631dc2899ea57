"""Axes in which every variant is one line: beside each other where there is room, else below each other."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from difnet.report.figures.plot import MUTED, NARROW, new_figure
from difnet.report.figures.side_labels import in_lines

ROW = 0.27
"""Inches a line of a variant takes; its title may be of two."""


def row_panels(width: float, titles: Sequence[str], headings: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """One panel a heading, with a line a title, the first on top.

    Args:
        width: Of the figure, in inches.
        titles: Of the lines.
        headings: What the horizontal axes show.
    """
    names = [in_lines(title, 18 if width <= NARROW else 26) for title in titles]
    tall = any("\n" in name for name in names)
    height = 0.7 + (1.25 * ROW if tall else ROW) * len(titles)
    columns = 1 if width <= NARROW else min(2, len(headings))
    rows = -(-len(headings) // columns)
    figure = new_figure(width, rows * height)
    all_axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel().tolist()
    panels = all_axes[: len(headings)]
    for axes in all_axes[len(headings) :]:
        axes.set_axis_off()
    for axes, heading in zip(panels, headings, strict=True):
        axes.set_yticks(range(len(titles)), names)
        axes.tick_params(axis="y", labelleft=axes.get_subplotspec().is_first_col())
        axes.set_ylim(len(titles) - 0.4, -0.6)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.set_xlabel(heading)
        axes.grid(axis="y", visible=False)
    return figure, panels


def fit(axes: Axes, ends: Sequence[float]) -> None:
    """Limit the horizontal axis to these values, and a margin."""
    low, high = min(ends), max(ends)
    margin = 0.06 * (high - low) or 0.01
    axes.set_xlim(low - margin, high + margin)


def write_value(axes: Axes, place: int, value: float, text: str) -> None:
    """A value in figures at the end of its line, and an arrow at the edge where it lies outside the axes."""
    axes.text(1.02, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=9, color=MUTED)
    low, high = axes.get_xlim()
    if not low <= value <= high:
        edge, marker = (low, "<") if value < low else (high, ">")
        axes.plot(edge, place, marker=marker, markersize=6, color=MUTED, clip_on=False)
