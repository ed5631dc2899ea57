"""Names written beside points and lines, in a column where none covers another."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes

from difnet.report.figures.plot import MUTED


@dataclass(frozen=True)
class Label:
    """A name for a point in data coordinates."""

    x: float
    y: float
    text: str
    colour: str


def label_right(axes: Axes, labels: list[Label], *, line_height: float = 0.055) -> None:
    """Write the labels right of the axes, each as near its height as the others allow, with a leader line.

    Args:
        axes: Where the points are; everything else is drawn already.
        labels: What to write.
        line_height: Least distance of two labels, as a fraction of the axes' height.
    """
    axes.autoscale_view()
    to_fraction = axes.transData + axes.transAxes.inverted()
    heights = [float(to_fraction.transform((label.x, label.y))[1]) for label in labels]
    order = sorted(range(len(labels)), key=heights.__getitem__)
    places = spread([heights[place] for place in order], gap=line_height)
    for place, height in zip(order, places, strict=True):
        label = labels[place]
        axes.annotate(
            label.text,
            xy=(label.x, label.y),
            xytext=(1.03, height),
            textcoords="axes fraction",
            va="center",
            color=label.colour,
            fontsize=9,
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 4},
            annotation_clip=False,
        )


def spread(heights: list[float], gap: float) -> list[float]:
    """Ascending heights moved apart by at least `gap`, the highest at 1 or below."""
    places = list(heights)
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + gap)
    ceiling = 1.0
    for index in reversed(range(len(places))):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - gap
    return places


def shorten(text: str, length: int = 28) -> str:
    """A title that fits beside an axis."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
