"""The restart and skip weights that the runs have learned, by level and seed."""

from __future__ import annotations

import math
import re
from statistics import fmean

import safetensors.numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from safetensors import SafetensorError

from difnet.config import InputError, ModelConfig, RunFolder
from difnet.report.figures.plot import MUTED, WIDE, Look, Plot, hint, look, new_figure
from difnet.report.figures.side_labels import Label, name_lines
from difnet.report.load import Results
from difnet.report.numbers import fixed
from difnet.report.run_records import RunRecord

PANELS = {"alpha": "restart weight a", "beta": "skip weight b"}
"""By the name of the pre-sigmoid parameters."""
MAX_COLOURED = 12

ByLevel = dict[str, list[float]]
"""Weights of all seeds by level."""


def level_weights(results: Results) -> Plot | None:
    """One panel for the restart weights, one for the skip weights."""
    panels = {kind: _by_variant(results, kind) for kind in PANELS}
    panels = {kind: found for kind, found in panels.items() if found}
    if not panels:
        return None
    names = results.in_order([name for found in panels.values() for name in found])
    coloured = names if len(names) <= MAX_COLOURED else [results.reference]
    others = "" if len(names) <= MAX_COLOURED else " Named is the reference; grey are the other variants."
    return Plot(
        name="learned-weights",
        finding=" ".join(_range(results, PANELS[kind], found) for kind, found in panels.items()),
        caption="One mark a seed, lines join the means. Training starts at 0.5 (dotted). A restart weight "
        f"near 1 keeps the seeds; a skip weight near 1 leaves a level out.{others}",
        draw=lambda width: _panels(results, panels, coloured, width),
    )


def _panels(
    results: Results, panels: dict[str, dict[str, ByLevel]], coloured: list[str], width: float
) -> Figure:
    levels = list(
        dict.fromkeys(level for found in panels.values() for row in found.values() for level in row)
    )
    figure = new_figure(width, (2.7 if width == WIDE else 2.4) * len(panels))
    rows = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    labels: dict[Axes, list[Label]] = {axes: [] for axes in rows}
    for axes, (kind, found) in zip(rows, panels.items(), strict=True):
        axes.set_ylabel(PANELS[kind])
        axes.set_xticks(range(len(levels)), levels)
        axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
        for name, row in found.items():
            places = [levels.index(level) for level in row]
            if name not in coloured:
                axes.plot(places, [fmean(seeds) for seeds in row.values()], color=MUTED, linewidth=0.5)
                continue
            own, title = look(coloured.index(name)), results.title_of(name)
            line = _draw(axes, places, row, own)
            hint(
                line, f"{title}: {', '.join(f'{level} {fixed(fmean(all_))}' for level, all_ in row.items())}"
            )
            end = fmean(row[levels[places[-1]]])
            labels[axes].append(Label(places[-1], end, title, own.colour, line))
        axes.margins(0.06)
    name_lines(figure, labels)
    return figure


def learned_weights(run: RunRecord, model: ModelConfig, kind: str) -> dict[str, float]:
    """Weights that a run has learned, by level; empty where it learns none or has not been trained.

    Args:
        run: The run.
        model: Its network.
        kind: `alpha` (restart) or `beta` (skip).
    """
    learned = {"alpha": model.restart, "beta": model.skip}[kind] == "learned"
    if not learned or not run.trained:
        return {}
    weights = {}
    try:
        for name, tensor in safetensors.numpy.load(RunFolder(run.folder).weights()).items():
            match = re.search(rf"(?:^|\.){kind}\.(\d+)$", name)
            if match and int(match[1]) < len(model.levels):
                weights[int(match[1])] = 1 / (1 + math.exp(-float(tensor.item())))
    except (SafetensorError, InputError, ValueError, OverflowError):
        return {}
    return {model.levels[place]: weights[place] for place in sorted(weights)}


def _by_variant(results: Results, kind: str) -> dict[str, ByLevel]:
    """Weights by variant, then level."""
    found: dict[str, ByLevel] = {}
    for variant in results.variants:
        for run in variant.runs:
            for level, weight in learned_weights(run, variant.plan.config.model, kind).items():
                found.setdefault(variant.name, {}).setdefault(level, []).append(weight)
    return found


def _draw(axes: Axes, places: list[int], row: ByLevel, own: Look) -> Line2D:
    (line,) = axes.plot(
        places,
        [fmean(seeds) for seeds in row.values()],
        color=own.colour,
        linestyle=own.dash,
        linewidth=1.4,
    )
    for place, seeds in zip(places, row.values(), strict=True):
        axes.plot(
            [place] * len(seeds),
            seeds,
            color=own.colour,
            marker=own.marker,
            markersize=4.5,
            linestyle="none",
            markerfacecolor="none",
        )
    return line


def _range(results: Results, label: str, found: dict[str, ByLevel]) -> str:
    """The levels with the lowest and highest mean weight of the first variant."""
    name, row = next(iter(found.items()))
    means = {level: fmean(seeds) for level, seeds in row.items()}
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    return (
        f"Mean {label} of {results.title_of(name)}: from {fixed(means[low])} ({low}) to "
        f"{fixed(means[high])} ({high})."
    )
