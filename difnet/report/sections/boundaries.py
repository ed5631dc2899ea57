"""Accuracy in bands of growing width around the true boundaries."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from difnet.metrics.trimap import TRIMAPS
from difnet.report.figures.plot import MUTED, WIDE, Plot, hint, look, new_figure
from difnet.report.figures.side_labels import Label, name_lines
from difnet.report.load import Results
from difnet.report.numbers import fixed, listing
from difnet.report.section import Section
from difnet.tables import SummaryRow

MAX_COLOURED = 12
PREFIX = "trimap_miou@"


def build(results: Results) -> Section:
    """Trimap curves."""
    plot = _trimap_curves(results)
    return Section(
        key="boundaries",
        title="Boundaries",
        content={"definition": TRIMAPS[0].definition},
        plots=[plot] if plot else [],
    )


Curves = dict[str, dict[int, SummaryRow]]
"""Estimates by variant, then radius."""


def _trimap_curves(results: Results) -> Plot | None:
    """Trimap mIoU against the width of the band."""
    curves = _curves(results)
    radii = sorted({radius for curve in curves.values() for radius in curve})
    if len(radii) < 2:
        return None
    inside = {name: curve for name, curve in curves.items() if name not in results.untrained} or curves
    outside = [
        f"{results.title_of(name)} ({fixed(curve[max(curve)].mean)} within {max(curve)} px)"
        for name, curve in curves.items()
        if name not in inside
    ]
    left_out = f" Outside the axes: {listing(outside)}." if outside else ""
    others = "" if len(inside) <= MAX_COLOURED else " Named is the reference; grey are the other variants."
    return Plot(
        name="trimap",
        finding=" ".join(_best(results, curves, radius) for radius in (radii[0], radii[-1])),
        caption=f"Lines are means over seeds, bands their 95% intervals.{others}{left_out}",
        draw=lambda width: _draw(results, inside, radii, width),
    )


def _draw(results: Results, curves: Curves, radii: list[int], width: float) -> Figure:
    figure = new_figure(width, 0.6 * width if width == WIDE else width)
    axes = figure.subplots()
    labels = []
    coloured = list(curves) if len(curves) <= MAX_COLOURED else [results.reference]
    for name, curve in curves.items():
        widths = sorted(curve)
        means = [curve[radius].mean for radius in widths]
        if name not in coloured:
            axes.plot(widths, means, color=MUTED, linewidth=0.6, alpha=0.6)
            continue
        own = look(coloured.index(name))
        axes.fill_between(
            widths,
            [curve[radius].ci_low for radius in widths],
            [curve[radius].ci_high for radius in widths],
            color=own.colour,
            alpha=0.12,
            linewidth=0,
        )
        (line,) = axes.plot(
            widths,
            means,
            color=own.colour,
            linestyle=own.dash,
            marker=own.marker,
            markersize=5,
            linewidth=1.5,
        )
        title = results.title_of(name)
        values = (f"{fixed(mean)} within {radius} px" for radius, mean in zip(widths, means, strict=True))
        hint(line, f"{title}: {', '.join(values)}")
        labels.append(Label(widths[-1], means[-1], title, own.colour, line))
    axes.set_xscale("log", base=2)
    axes.set_xticks(radii, [f"{radius:g}" for radius in radii])
    axes.minorticks_off()
    axes.set_xlabel("distance r to a true boundary, in pixels")
    axes.set_ylabel("mIoU of the pixels within r")
    name_lines(figure, {axes: labels})
    return figure


def _curves(results: Results) -> Curves:
    curves: Curves = {}
    for metric, estimates in results.estimates.items():
        radius = metric.removeprefix(PREFIX)
        if metric.startswith(PREFIX) and radius.isdecimal() and int(radius) > 0:
            for name, estimate in estimates.items():
                if math.isfinite(estimate.mean):
                    curves.setdefault(name, {})[int(radius)] = estimate
    return {name: curves[name] for name in results.in_order(curves)}


def _best(results: Results, curves: Curves, radius: int) -> str:
    means = {name: curve[radius].mean for name, curve in curves.items() if radius in curve}
    best = max(means, key=means.__getitem__)
    return (
        f"Within {radius} px of a boundary the highest mean is {fixed(means[best])}, "
        f"of {results.title_of(best)}."
    )
