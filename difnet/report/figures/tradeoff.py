"""Two measures of every variant against each other, with intervals and the Pareto front."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.figure import Figure

from difnet.report.figures.plot import MARKERS, MUTED, SERIES, Plot, new_figure
from difnet.report.figures.side_labels import Label, label_right, shorten
from difnet.report.load import Results
from difnet.report.numbers import fixed, listing, significant
from difnet.report.rows import measured, reach, timed_variant
from difnet.tables import SummaryRow

MAX_LABELLED = 14
READING = (
    "Bars are 95% intervals. The dotted line joins the Pareto front of the plotted values; it does not take "
    "the intervals into account."
)


@dataclass(frozen=True)
class Point:
    """One variant: two values, and the lengths of their error bars below and above."""

    name: str
    title: str
    x: float
    y: float
    x_reach: tuple[float, float]
    y_reach: tuple[float, float]


def accuracy_and_boundaries(results: Results) -> Plot | None:
    """MIoU against boundary F-score."""
    miou, boundary = results.estimates["miou"], results.estimates["boundary_f"]
    points = [
        Point(
            name=name,
            title=results.title_of(name),
            x=miou[name].mean,
            y=boundary[name].mean,
            x_reach=_reach(miou[name]),
            y_reach=_reach(boundary[name]),
        )
        for name in results.in_order([name for name in miou if name in boundary])
        if math.isfinite(miou[name].mean + boundary[name].mean)
    ]
    if not points:
        return None
    front = pareto_front({point.name: (point.x, point.y) for point in points})
    best = max(points, key=lambda point: point.x)
    return Plot(
        name="miou-boundary-f",
        finding="No variant beats these in both mIoU and boundary F-score: "
        f"{listing([results.title_of(name) for name in front])}. The highest mean mIoU, {fixed(best.x)}, "
        f"comes with a boundary F-score of {fixed(best.y)}.",
        caption=f"Means over seeds. {READING}{_unnamed(points)}",
        figure=_draw(
            points,
            [*front, results.reference],
            front=front,
            labels=("mIoU (higher is better)", "boundary F-score (higher is better)"),
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
    latency = {timed_variant(item): item for item in timings if item.device == device}
    miou = results.estimates["miou"]
    points = [
        Point(
            name=name,
            title=results.title_of(name),
            x=latency[name].value,
            y=miou[name].mean,
            x_reach=reach(latency[name].value, latency[name].ci_low, latency[name].ci_high),
            y_reach=_reach(miou[name]),
        )
        for name in results.in_order([name for name in miou if name in latency])
        if math.isfinite(miou[name].mean)
    ]
    if not points:
        return None
    front = pareto_front({point.name: (-point.x, point.y) for point in points})
    best = max(points, key=lambda point: point.y)
    return Plot(
        name="miou-latency",
        finding="No variant is both faster and higher in mIoU than these: "
        f"{listing([results.title_of(name) for name in front])}. The highest mean mIoU, {fixed(best.y)}, "
        f"takes {significant(best.x)} ms on {device}.",
        caption=f"Mean mIoU over seeds; median latency of a forward pass. {READING}{_unnamed(points)}",
        figure=_draw(
            points,
            [*front, results.reference],
            front=front,
            labels=(f"latency on {device}, ms (lower is better)", "mIoU (higher is better)"),
        ),
    )


def pareto_front(points: dict[str, tuple[float, float]]) -> list[str]:
    """Names that no other name matches in both values and beats in one; higher is better."""
    return [
        name
        for name, (first, second) in points.items()
        if not any(x >= first and y >= second and (x > first or y > second) for x, y in points.values())
    ]


def _reach(estimate: SummaryRow) -> tuple[float, float]:
    return reach(estimate.mean, estimate.ci_low, estimate.ci_high)


def _draw(points: list[Point], important: list[str], *, front: list[str], labels: tuple[str, str]) -> Figure:
    """All points; colours and names for all, or for the important ones where they are many."""
    figure = new_figure(6.8, 4.0)
    axes = figure.subplots()
    named = [point for point in points if len(points) <= MAX_LABELLED or point.name in important]
    for point in points:
        place = named.index(point) if point in named else -1
        axes.errorbar(
            point.x,
            point.y,
            xerr=[[side] for side in point.x_reach],
            yerr=[[side] for side in point.y_reach],
            fmt=MARKERS[place % len(MARKERS)] if place >= 0 else ".",
            color=SERIES[place % len(SERIES)] if place >= 0 else MUTED,
            elinewidth=1.0 if place >= 0 else 0.4,
            markersize=6,
        )
    line = sorted((point for point in points if point.name in front), key=lambda point: point.x)
    axes.plot(
        [point.x for point in line],
        [point.y for point in line],
        color=MUTED,
        linewidth=1.0,
        linestyle=":",
        zorder=0,
    )
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.margins(0.08)
    label_right(
        axes,
        [
            Label(point.x, point.y, shorten(point.title), SERIES[place % len(SERIES)])
            for place, point in enumerate(named)
        ],
    )
    return figure


def _unnamed(points: list[Point]) -> str:
    if len(points) <= MAX_LABELLED:
        return ""
    return " Named are the reference and the Pareto front; the table has the others."
