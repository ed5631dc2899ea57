"""Time and memory against the number of nodes, with fitted exponents."""

from __future__ import annotations

import math

from matplotlib.axes import Axes

from difnet.report.figures.plot import DASHES, MARKERS, SERIES, Plot, log_height, new_figure
from difnet.report.figures.side_labels import Label, label_right
from difnet.report.load import Results
from difnet.report.numbers import significant
from difnet.report.rows import FEATURES, Setting, measured, setting, timed_variant
from difnet.tables import TimingRow

PANELS = {
    "latency_ms": "forward, ms",
    "forward_backward_ms": "forward + backward, ms",
    "peak_memory_mb": "peak memory, MB",
}

LEFT_OUT = "_solve_only"
"""End of the names of operators that only the tables show."""


def scaling(results: Results) -> Plot | None:
    """One panel a measure, log-log, one line a subject and device."""
    operators = [item for item in results.timings if not timed_variant(item) and item.nodes > 0]
    timings = [
        item
        for item in operators
        if item.features == operators[0].features and not item.subject.endswith(LEFT_OUT)
    ]
    points = [item for item in timings if measured(item) and item.value > 0]
    metrics = [metric for metric in PANELS if any(item.metric == metric for item in points)]
    if not metrics:
        return None
    settings = list(dict.fromkeys(map(setting, points)))
    nodes = sorted({item.nodes for item in timings})
    figure = new_figure(7.6, 3.0 * len(metrics))
    panels = figure.subplots(len(metrics), 1, sharex=True, squeeze=False)[:, 0]
    for axes, metric in zip(panels, metrics, strict=True):
        axes.set_xscale("log")
        log_height(axes)
        labels = []
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
            _draw(axes, line, walls, place)
            text = _name(own, settings) + _exponent(results, own, metric)
            labels.append(Label(line[-1].nodes, line[-1].value, text, SERIES[place % len(SERIES)]))
        axes.set_ylabel(PANELS[metric])
        axes.margins(0.06)
        axes.set_xticks(nodes, [f"{node:,.0f}" for node in nodes])
        axes.minorticks_off()
        label_right(axes, labels, line_height=0.085)
    panels[-1].set_xlabel("nodes N = h × w")
    return Plot(
        name="scaling",
        finding=_finding([item for item in points if item.metric == metrics[0]], PANELS[metrics[0]]),
        caption="Median of the repeats with its 95% interval, both axes logarithmic; on "
        f"{FEATURES[timings[0].features]}. N^k: slope through the last three points of a line, with its 95% "
        "interval. A cross marks the first size that did not fit into memory; its height has no meaning. "
        "Operators that were given the transition matrix, and other features, are in the tables only.",
        figure=figure,
    )


def _draw(axes: Axes, line: list[TimingRow], walls: list[int], place: int) -> None:
    """One line, and a cross where its memory ends."""
    colour, turn = SERIES[place % len(SERIES)], place % len(MARKERS)
    axes.plot(
        [item.nodes for item in line],
        [item.value for item in line],
        color=colour,
        marker=MARKERS[turn],
        linestyle=DASHES[turn],
        markersize=5,
        linewidth=1.4,
    )
    axes.vlines(
        [item.nodes for item in line],
        [item.ci_low for item in line],
        [item.ci_high for item in line],
        color=colour,
        linewidth=0.8,
    )
    end = line[-1]
    beyond = [nodes for nodes in walls if nodes > end.nodes]
    if beyond:
        axes.plot([end.nodes, min(beyond)], [end.value] * 2, color=colour, linewidth=0.6, linestyle=":")
        axes.plot(min(beyond), end.value, marker="x", markersize=9, markeredgewidth=2, color=colour)


def _name(own: Setting, settings: list[Setting]) -> str:
    """The subject, and whatever else differs between the lines of the figure."""
    parts = [own.subject]
    for key, value in own._asdict().items():
        if key != "subject" and len({getattr(other, key) for other in settings}) > 1:
            parts.append(f"{value} {key}" if isinstance(value, int) else value)
    return ", ".join(parts)


def _exponent(results: Results, own: Setting, metric: str) -> str:
    """`  N^1.98 [1.90, 2.05]`, or nothing where none was fitted."""
    fits = [item for item in results.growth if setting(item) == own and item.metric == metric]
    if not fits:
        return ""
    last = max(fits, key=lambda item: item.nodes)
    if not math.isfinite(last.ci_low):
        return f"  N^{last.exponent:.2f}"
    return f"  N^{last.exponent:.2f} [{last.ci_low:.2f}, {last.ci_high:.2f}]"


def _finding(points: list[TimingRow], label: str) -> str:
    """The extremes at the largest size that the most settings reached."""
    sizes = [item.nodes for item in points]
    largest = max(sizes, key=lambda size: (sizes.count(size), size))
    there = sorted((item for item in points if item.nodes == largest), key=lambda item: item.value)
    first, last = there[0], there[-1]
    text = f"At N = {largest:,.0f} ({label}) {first.subject} takes {significant(first.value)}"
    if len(there) > 1:
        text += f", the least, and {last.subject} {significant(last.value)}, the most"
    return f"{text}."
