"""Names of points and lines: in a column beside wide axes where none covers another, below narrow ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from difnet.report.figures.plot import MUTED, NARROW

LINE = 0.17
"""Inches from one line of a name to the next."""


@dataclass(frozen=True)
class Label:
    """A name for a point in data coordinates, and what is drawn there."""

    x: float
    y: float
    text: str
    colour: str
    artist: Artist


def name_lines(figure: Figure, panels: dict[Axes, list[Label]]) -> None:
    """Write names beside the axes, or once below them all where the figure is narrow.

    Args:
        figure: Its axes are drawn, but for their names.
        panels: What to write for each of its axes, which stand below each other.
    """
    if figure.get_figwidth() > NARROW:
        for axes, labels in panels.items():
            _label_right(axes, labels, height=0.8 * figure.get_figheight() / len(panels))
        return
    artists = {label.text: label.artist for labels in panels.values() for label in labels}
    figure.set_figheight(figure.get_figheight() + LINE * (len(artists) + 1))
    figure.legend(artists.values(), artists, loc="outside lower left", fontsize=9, labelspacing=0.25)


def _label_right(axes: Axes, labels: list[Label], height: float) -> None:
    """Write labels right of axes of a height in inches, each as near its own as the others allow."""
    axes.autoscale_view()
    to_fraction = axes.transData + axes.transAxes.inverted()
    heights = [float(to_fraction.transform((label.x, label.y))[1]) for label in labels]
    order = sorted(range(len(labels)), key=heights.__getitem__)
    texts = [in_lines(labels[place].text, 24) for place in order]
    sizes = [LINE * (text.count("\n") + 1) / height for text in texts]
    places = spread([heights[place] for place in order], sizes)
    for place, text, at in zip(order, texts, places, strict=True):
        label = labels[place]
        axes.annotate(
            text,
            xy=(label.x, label.y),
            xytext=(1.03, at),
            textcoords="axes fraction",
            va="center",
            color=label.colour,
            fontsize=9,
            linespacing=1.0,
            arrowprops={
                "arrowstyle": "-",
                "color": MUTED,
                "linewidth": 0.5,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 4,
            },
            annotation_clip=False,
        )


def spread(heights: list[float], sizes: list[float]) -> list[float]:
    """Ascending heights moved apart so that texts of these sizes do not touch, none above 1."""
    gaps = [(one + other) / 2 for one, other in pairwise(sizes)]
    places = list(heights)
    for index, gap in enumerate(gaps):
        places[index + 1] = max(places[index + 1], places[index] + gap)
    ceiling = 1.0
    for index in reversed(range(len(places))):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - (gaps[index - 1] if index else 0.0)
    return places


def in_lines(text: str, width: int) -> str:
    """A title broken into lines of at most `width` characters, where its words allow."""
    return "\n".join(wrap(text, width, break_long_words=False)) or text
