"""Two measures of every variant against each other, with intervals and the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from matplotlib.figure import Figure

from difnet.report.figures.plot import MUTED, WIDE, Plot, hint, look, new_figure
from difnet.report.figures.side_labels import Label, name_lines
from difnet.report.load import Results
from difnet.report.numbers import fixed, listing, significant
from difnet.report.rows import measured, timed_variant

MAX_LABELLED = 14
READING = (
    "Bars are 95% intervals. The dotted line joins the Pareto front of the plotted values; it does not take "
    "the intervals into account."
)


class Measure(NamedTuple):
    """A value with its interval."""

    value: float
    low: float
    high: float

    @property
    def reach(self) -> tuple[float, float]:
        """Lengths of the error bar below and above the value; zero where no interval is known."""
        if not math.isfinite(self.low + self.high):
            return 0.0, 0.0
        return max(0.0, self.value - self.low), max(0.0, self.high - self.value)


class Point(NamedTuple):
    """Two measures of one variant."""

    name: str
    title: str
    x: Measure
    y: Measure


def accuracy_and_boundaries(results: Results) -> Plot | None:
    """MIoU against boundary F-score."""
    points = _points(results, _means(results, "miou"), _means(results, "boundary_f"))
    if not points:
        return None
    front = pareto_front({point.name: (point.x.value, point.y.value) for point in points})
    best = max(points, key=lambda point: point.x.value)
    return Plot(
        name="miou-boundary-f",
        finding="No variant beats these in both mIoU and boundary F-score: "
        f"{listing([results.title_of(name) for name in front])}. The highest mean mIoU, "
        f"{fixed(best.x.value)}, comes with a boundary F-score of {fixed(best.y.value)}.",
        caption=f"Means over seeds. {READING}{_unnamed(results, points)}",
        draw=_drawing(
            results, points, front, labels=("mIoU (higher is better)", "boundary F-score (higher is better)")
        ),
    )


def accuracy_and_latency(results: Results) -> Plot | None:
    """MIoU against the latency of the whole network, on the device on which most were timed."""
    timings = [
        item
        for item in results.timings
        if timed_variant(item) and item.metric == "latency_ms" and measured(item) and item.value > 0
    ]
    devices = [item.device for item in timings]
    device = max(sorted(set(devices)), key=devices.count, default="")
    latency = {
        timed_variant(item): Measure(item.value, item.ci_low, item.ci_high)
        for item in timings
        if item.device == device
    }
    points = _points(results, latency, _means(results, "miou"))
    if not points:
        return None
    front = pareto_front({point.name: (-point.x.value, point.y.value) for point in points})
    best = max(points, key=lambda point: point.y.value)
    return Plot(
        name="miou-latency",
        finding="No variant is both faster and higher in mIoU than these: "
        f"{listing([results.title_of(name) for name in front])}. The highest mean mIoU, "
        f"{fixed(best.y.value)}, takes {significant(best.x.value)} ms on {device}.",
        caption="Mean mIoU over seeds; median latency of a forward pass. "
        f"{READING}{_unnamed(results, points)}",
        draw=_drawing(
            results,
            points,
            front,
            labels=(f"latency on {device}, ms (lower is better)", "mIoU (higher is better)"),
        ),
    )


def _means(results: Results, metric: str) -> dict[str, Measure]:
    return {
        name: Measure(item.mean, item.ci_low, item.ci_high)
        for name, item in results.estimates[metric].items()
        if math.isfinite(item.mean)
    }


def _points(results: Results, xs: dict[str, Measure], ys: dict[str, Measure]) -> list[Point]:
    names = results.in_order([name for name in xs if name in ys])
    return [Point(name, results.title_of(name), xs[name], ys[name]) for name in names]


def pareto_front(points: dict[str, tuple[float, float]]) -> list[str]:
    """Names that no other name matches in both values and beats in one; higher is better."""
    return [
        name
        for name, (first, second) in points.items()
        if not any(x >= first and y >= second and (x > first or y > second) for x, y in points.values())
    ]


def _drawing(
    results: Results, points: list[Point], front: list[str], *, labels: tuple[str, str]
) -> Callable[[float], Figure]:
    """Draws the points that the axes fit; names for all, or for the important ones where they are many."""
    inside = _inside(results, points)
    important = {*front, results.reference}
    named = [point for point in inside if len(inside) <= MAX_LABELLED or point.name in important]

    def draw(width: float) -> Figure:
        figure = new_figure(width, 0.6 * width if width == WIDE else width)
        axes = figure.subplots()
        written = []
        for point in inside:
            place = named.index(point) if point in named else -1
            own = look(place)
            bars = axes.errorbar(
                point.x.value,
                point.y.value,
                xerr=[[side] for side in point.x.reach],
                yerr=[[side] for side in point.y.reach],
                fmt=own.marker if place >= 0 else ".",
                color=own.colour if place >= 0 else MUTED,
                elinewidth=1.0 if place >= 0 else 0.4,
                markersize=6,
                linestyle="none",
            )
            hint(bars.lines[0], f"{point.title}: {significant(point.x.value)}, {significant(point.y.value)}")
            if place >= 0:
                written.append(Label(point.x.value, point.y.value, point.title, own.colour, bars.lines[0]))
        line = sorted((point.x.value, point.y.value) for point in inside if point.name in front)
        axes.plot(*zip(*line, strict=True), color=MUTED, linewidth=1.0, linestyle=":", zorder=0)
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        axes.margins(0.08)
        name_lines(figure, {axes: written})
        return figure

    return draw


def _inside(results: Results, points: list[Point]) -> list[Point]:
    """The points of trained variants, which the axes fit; all where there are no others."""
    return [point for point in points if point.name not in results.untrained] or points


def _unnamed(results: Results, points: list[Point]) -> str:
    """What the figure leaves out or does not name."""
    inside = _inside(results, points)
    outside = [
        f"{point.title} ({significant(point.x.value)}, {significant(point.y.value)})"
        for point in points
        if point not in inside
    ]
    text = f" Outside the axes: {listing(outside)}." if outside else ""
    if len(inside) > MAX_LABELLED:
        text += " Named are the reference and the Pareto front; the table has the others."
    return text
