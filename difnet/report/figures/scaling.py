"""Time and memory against the number of nodes, with fitted exponents."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from difnet.report.figures.plot import WIDE, Look, Plot, hint, log_height, look, new_figure
from difnet.report.figures.side_labels import Label, name_lines
from difnet.report.load import Results
from difnet.report.numbers import significant
from difnet.report.rows import FEATURES, Setting, measured, operator_title, setting, timed_variant
from difnet.tables import TimingRow

PANELS = {
    "latency_ms": "forward, ms",
    "forward_backward_ms": "forward + backward, ms",
    "peak_memory_mb": "peak memory, MB",
}

LEFT_OUT = "_solve_only"
"""End of the names of operators that only the tables show."""


def shown_operators(results: Results) -> list[TimingRow]:
    """The operators that a reader compares: on one kind of features, those that build what they need."""
    operators = [item for item in results.timings if not timed_variant(item) and item.nodes > 0]
    return [
        item
        for item in operators
        if item.features == operators[0].features and not item.subject.endswith(LEFT_OUT)
    ]


def scaling(results: Results) -> Plot | None:
    """One panel a measure, log-log, one line a subject and device."""
    timings = shown_operators(results)
    points = [item for item in timings if measured(item) and item.value > 0]
    metrics = [metric for metric in PANELS if any(item.metric == metric for item in points)]
    if not metrics:
        return None
    return Plot(
        name="scaling",
        finding=_finding([item for item in points if item.metric == metrics[0]], PANELS[metrics[0]]),
        caption="Median of the repeats with its 95% interval, both axes logarithmic; on "
        f"{FEATURES[timings[0].features]}. A cross marks the first size that did not fit into memory; its "
        "height has no meaning. Operators that were given the transition matrix, and other features, are in "
        "the tables only.",
        draw=lambda width: _draw(timings, points, metrics, width),
    )


def _draw(timings: list[TimingRow], points: list[TimingRow], metrics: list[str], width: float) -> Figure:
    settings = list(dict.fromkeys(map(setting, points)))
    nodes = sorted({item.nodes for item in timings})
    figure = new_figure(width, 2.6 * len(metrics))
    panels = figure.subplots(len(metrics), 1, sharex=True, squeeze=False)[:, 0]
    labels: dict[Axes, list[Label]] = {axes: [] for axes in panels}
    for axes, metric in zip(panels, metrics, strict=True):
        axes.set_xscale("log")
        log_height(axes)
        for place, own in enumerate(settings):
            line = sorted(
                (item for item in points if setting(item) == own and item.metric == metric),
                key=lambda item: item.nodes,
            )
            if not line:
                continue
            walls = [
                item.nodes
                for item in timings
                if setting(item) == own and item.metric == metric and item.status == "does_not_fit"
            ]
            drawn, name = _draw_line(axes, line, walls, look(place)), _name(own, settings)
            values = ", ".join(f"{significant(item.value)} at N = {item.nodes:,}" for item in line)
            hint(drawn, f"{name}, {PANELS[metric]}: {values}")
            labels[axes].append(Label(line[-1].nodes, line[-1].value, name, look(place).colour, drawn))
        axes.set_ylabel(PANELS[metric])
        axes.margins(0.06)
        axes.set_xticks(nodes, [f"{node:,.0f}" for node in nodes], rotation=0 if width == WIDE else 45)
        axes.minorticks_off()
    panels[-1].set_xlabel("nodes N = h × w")
    name_lines(figure, labels)
    return figure


def _draw_line(axes: Axes, line: list[TimingRow], walls: list[int], own: Look) -> Line2D:
    """One line, and a cross where its memory ends."""
    (drawn,) = axes.plot(
        [item.nodes for item in line],
        [item.value for item in line],
        color=own.colour,
        marker=own.marker,
        linestyle=own.dash,
        markersize=5,
        linewidth=1.4,
    )
    axes.vlines(
        [item.nodes for item in line],
        [item.ci_low for item in line],
        [item.ci_high for item in line],
        color=own.colour,
        linewidth=0.8,
    )
    end = line[-1]
    beyond = [nodes for nodes in walls if nodes > end.nodes]
    if beyond:
        axes.plot([end.nodes, min(beyond)], [end.value] * 2, color=own.colour, linewidth=0.6, linestyle=":")
        axes.plot(min(beyond), end.value, marker="x", markersize=9, markeredgewidth=2, color=own.colour)
    return drawn


def _name(own: Setting, settings: list[Setting]) -> str:
    """The subject, and whatever else differs between the lines of the figure."""
    parts = [operator_title(own.subject)]
    for key, value in own._asdict().items():
        if key != "subject" and len({getattr(other, key) for other in settings}) > 1:
            parts.append(f"{value} {key}" if isinstance(value, int) else value)
    return ", ".join(parts)


def _finding(points: list[TimingRow], label: str) -> str:
    """The extremes at the largest size that the most settings reached."""
    sizes = [item.nodes for item in points]
    largest = max(sizes, key=lambda size: (sizes.count(size), size))
    there = sorted((item for item in points if item.nodes == largest), key=lambda item: item.value)
    first, last = there[0], there[-1]
    text = f"At N = {largest:,.0f} ({label}) {operator_title(first.subject)} takes {significant(first.value)}"
    if len(there) > 1:
        text += f", the least, and {operator_title(last.subject)} {significant(last.value)}, the most"
    return f"{text}."
