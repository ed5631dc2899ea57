"""Where the time of a training step goes."""

from __future__ import annotations

import math

from difnet.report.figures.labels import shorten
from difnet.report.figures.plot import SERIES, Plot, new_figure
from difnet.report.load import Results
from difnet.report.records import Share

LEAST_LABELLED = 0.08
"""Shares below this have no number in their bar."""
LABEL = "#010101"
"""Readable on every bar, on a light page and on a dark one."""


def step_breakdown(results: Results) -> Plot | None:
    """One bar a variant, one segment a part of the step."""
    shares = [item for item in results.breakdown if math.isfinite(item.share) and item.share >= 0]
    if not shares:
        return None
    parts = list(dict.fromkeys(item.part for item in shares))
    names = results.in_order(list(dict.fromkeys(item.variant for item in shares)))
    figure = new_figure(7.4, 1.3 + 0.3 * len(names))
    axes = figure.subplots()
    left = dict.fromkeys(names, 0.0)
    for place, part in enumerate(parts):
        for row, name in enumerate(names):
            share = sum(item.share for item in shares if (item.variant, item.part) == (name, part))
            axes.barh(
                row,
                share,
                left=left[name],
                height=0.7,
                color=SERIES[place % len(SERIES)],
                alpha=0.75,
                label=part if row == 0 else None,
            )
            if share >= LEAST_LABELLED:
                middle = left[name] + share / 2
                axes.text(middle, row, f"{share:.0%}", ha="center", va="center", fontsize=8, color=LABEL)
            left[name] += share
    axes.set_yticks(range(len(names)), [shorten(results.title_of(name)) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the time of a training step")
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=len(parts))
    return Plot(
        name="step-breakdown",
        finding=_finding(results, shares, names[0], parts),
        caption="Measured with PyTorch's profiler, forward and backward together. Walks: the diffusion rule. "
        "Data: reading and augmenting a batch. Rest: normalisation, loss, optimiser and everything else.",
        figure=figure,
    )


def _finding(results: Results, shares: list[Share], name: str, parts: list[str]) -> str:
    own = {
        part: sum(item.share for item in shares if (item.variant, item.part) == (name, part))
        for part in parts
    }
    device = next(item.device for item in shares)
    words = ", ".join(f"{part} {share:.0%}" for part, share in own.items())
    return f"A training step of {results.title_of(name)} on {device}: {words}."
