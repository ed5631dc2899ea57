"""What a training step is spent on."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from difnet.report.figures.plot import SERIES, Plot, hint
from difnet.report.figures.row_panels import row_panels
from difnet.report.load import Results

LEAST_LABELLED = 0.08
"""Shares below this have no number in their bar."""
LABEL = "#010101"
"""Readable on every bar, on a light page and on a dark one."""


def step_breakdown(results: Results) -> Plot | None:
    """One bar a variant, one segment a part of the step."""
    known = [item for item in results.breakdown if math.isfinite(item.share) and item.share >= 0]
    if not known:
        return None
    parts = list(dict.fromkeys(item.part for item in known))
    names = results.in_order([item.variant for item in known])
    shares = {(item.variant, item.part): item.share for item in known}

    def draw(width: float) -> Figure:
        titles = [results.title_of(name) for name in names]
        figure, (axes,) = row_panels(width, titles, ["share of the time of a training step"])
        left = dict.fromkeys(names, 0.0)
        for place, part in enumerate(parts):
            for row, name in enumerate(names):
                share = shares.get((name, part), 0.0)
                (bar,) = axes.barh(
                    row,
                    share,
                    left=left[name],
                    height=0.7,
                    color=SERIES[place % len(SERIES)],
                    alpha=0.75,
                    label=part if row == 0 else None,
                )
                hint(bar, f"{titles[row]}, {part}: {share:.0%}")
                if share >= LEAST_LABELLED:
                    middle = left[name] + share / 2
                    axes.text(middle, row, f"{share:.0%}", ha="center", va="center", fontsize=9, color=LABEL)
                left[name] += share
        axes.set_xlim(0, 1)
        figure.set_figheight(figure.get_figheight() + 0.3 * -(-len(parts) // 2))
        figure.legend(loc="outside upper left", ncols=2)
        return figure

    words = ", ".join(f"{part} {shares.get((names[0], part), 0.0):.0%}" for part in parts)
    return Plot(
        name="step-breakdown",
        finding=f"A training step of {results.title_of(names[0])} on {known[0].device}: {words}.",
        caption="Measured with PyTorch's profiler, forward and backward together. Walks: the diffusion rule. "
        "Data: reading and augmenting a batch. Rest: normalisation, loss, optimiser and everything else.",
        draw=draw,
    )
