"""Training loss by step, with the spread over seeds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from difnet.report.figures.plot import MUTED, SERIES, WIDE, Plot, hint, log_height, look, new_figure
from difnet.report.figures.side_labels import Label, in_lines, name_lines
from difnet.report.load import Results
from difnet.report.numbers import count, significant
from difnet.report.run_records import VariantRuns
from difnet.tables import HISTORY

BINS = 60
MAX_TOGETHER = 12
MOST_APART = 120
"""Panels: Matplotlib takes minutes to arrange hundreds."""


@dataclass(frozen=True)
class Curve:
    """The loss of one variant."""

    title: str
    table: pd.DataFrame
    """Mean, lowest and highest seed, indexed by step."""

    @property
    def final(self) -> float:
        """Mean loss in the last stretch."""
        return float(self.table["mean"].iloc[-1])


def learning_curves(results: Results) -> Plot | None:
    """All variants in one panel, or one panel each when they are many."""
    curves = [Curve(variant.title, _binned(variant)) for variant in results.variants]
    curves = [curve for curve in curves if not curve.table.empty]
    if not curves:
        return None
    together = len(curves) <= MAX_TOGETHER
    lowest = min(curves, key=lambda curve: curve.final)
    highest = max(curves, key=lambda curve: curve.final)
    panels = "" if together else f" Dashed and grey in every panel: {curves[0].title}."
    if len(curves) > MOST_APART:
        panels += f" The first {MOST_APART} of {len(curves)} variants have a panel."
    return Plot(
        name="learning-curves",
        finding=f"Training loss of {count(len(curves), 'variant')}; at the end it runs from "
        f"{significant(lowest.final)} ({lowest.title}) to {significant(highest.final)} ({highest.title}).",
        caption=f"Lines are the mean over seeds of the loss averaged in up to {BINS} equal stretches of "
        f"training; bands run from the lowest to the highest seed.{panels} A lower training loss is not by "
        "itself a better result.",
        draw=partial(_together if together else _apart, curves[:MOST_APART]),
    )


def _together(curves: list[Curve], width: float) -> Figure:
    figure = new_figure(width, 0.6 * width if width == WIDE else width)
    axes = figure.subplots()
    lines = [_draw(axes, curve, look(place).colour, look(place).dash) for place, curve in enumerate(curves)]
    axes.set_xlabel("training step")
    axes.set_ylabel("training loss (log scale)")
    log_height(axes, labelled=(1.0, 2.0, 5.0))
    axes.margins(x=0.01)
    ends = [
        Label(curve.table.index[-1], curve.final, curve.title, look(place).colour, line)
        for place, (curve, line) in enumerate(zip(curves, lines, strict=True))
    ]
    name_lines(figure, {axes: ends})
    return figure


def _apart(curves: list[Curve], width: float) -> Figure:
    """Panels with equal axes; sharing them in Matplotlib would take minutes for sixty panels."""
    columns = 4 if width == WIDE else 2
    rows = -(-len(curves) // columns)
    figure = new_figure(width, 0.6 + 1.6 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    reference = curves[0].table
    lowest = min(float(curve.table["low"].min()) for curve in curves)
    highest = max(float(curve.table["high"].max()) for curve in curves)
    for place, (axes, curve) in enumerate(zip(panels, curves, strict=False)):
        axes.plot(reference.index, reference["mean"], color=MUTED, linewidth=0.8, linestyle="--")
        _draw(axes, curve, SERIES[0], "-")
        axes.set_title(in_lines(curve.title, 20), fontsize=9)
        log_height(axes, labelled=(1.0, 2.0, 5.0))
        axes.set_ylim(0.9 * lowest, 1.1 * highest)
        axes.tick_params(labelleft=place % columns == 0, labelbottom=place + columns >= len(curves))
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    figure.supxlabel("training step", fontsize=9.5)
    figure.supylabel("training loss (log scale)", fontsize=9.5)
    return figure


def _binned(variant: VariantRuns) -> pd.DataFrame:
    """Mean, lowest and highest seed of the loss, indexed by step."""
    histories = [HISTORY.frame(run.history)[["step", "loss"]].dropna() for run in variant.runs]
    histories = [history[history["loss"] > 0] for history in histories]
    histories = [history for history in histories if not history.empty]
    if not histories:
        return pd.DataFrame()
    last = max(history["step"].max() for history in histories)
    width = max(last / BINS, 1e-9)
    columns = [
        history.groupby(np.ceil(history["step"] / width).clip(1, BINS))["loss"].mean()
        for history in histories
    ]
    seeds = pd.concat(columns, axis=1)
    table = pd.DataFrame({"mean": seeds.mean(axis=1), "low": seeds.min(axis=1), "high": seeds.max(axis=1)})
    return table.set_axis(table.index * width).sort_index()


def _draw(axes: Axes, curve: Curve, colour: str, dash: object) -> Line2D:
    table = curve.table
    axes.fill_between(table.index, table["low"], table["high"], color=colour, alpha=0.18, linewidth=0)
    (line,) = axes.plot(table.index, table["mean"], color=colour, linestyle=dash, linewidth=1.6)
    hint(line, f"{curve.title}: {significant(curve.final)} at the end")
    return line
