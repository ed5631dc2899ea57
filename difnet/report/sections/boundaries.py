"""Accuracy in bands of growing width around the true boundaries."""

from __future__ import annotations

import math

from difnet.metrics.trimap import TRIMAPS
from difnet.report.figures.plot import DASHES, MARKERS, MUTED, SERIES, Plot, new_figure
from difnet.report.figures.side_labels import Label, label_right, shorten
from difnet.report.load import Results
from difnet.report.numbers import fixed
from difnet.report.section import Section
from difnet.tables import SummaryRow

MAX_COLOURED = 8
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


def _trimap_curves(results: Results) -> Plot | None:
    """Trimap mIoU against the width of the band."""
    curves = _curves(results)
    radii = sorted({radius for curve in curves.values() for radius in curve})
    if len(radii) < 2:
        return None
    figure = new_figure(7.4, 4.0)
    axes = figure.subplots()
    labels = []
    coloured = list(curves) if len(curves) <= MAX_COLOURED else [results.reference]
    for name, curve in curves.items():
        widths = sorted(curve)
        means = [curve[radius].mean for radius in widths]
        if name not in coloured:
            axes.plot(widths, means, color=MUTED, linewidth=0.6, alpha=0.6)
            continue
        place = coloured.index(name)
        axes.fill_between(
            widths,
            [curve[radius].ci_low for radius in widths],
            [curve[radius].ci_high for radius in widths],
            color=SERIES[place],
            alpha=0.12,
            linewidth=0,
        )
        axes.plot(
            widths,
            means,
            color=SERIES[place],
            linestyle=DASHES[place],
            marker=MARKERS[place],
            markersize=5,
            linewidth=1.5,
        )
        labels.append(Label(widths[-1], means[-1], shorten(results.title_of(name)), SERIES[place]))
    axes.set_xscale("log", base=2)
    axes.set_xticks(radii, [f"{radius:g}" for radius in radii])
    axes.minorticks_off()
    axes.set_xlabel("distance r to a true boundary, in pixels")
    axes.set_ylabel("mIoU of the pixels within r")
    label_right(axes, labels)
    others = "" if len(curves) <= MAX_COLOURED else " Named is the reference; grey are the other variants."
    return Plot(
        name="trimap",
        finding=" ".join(_best(results, curves, radius) for radius in (radii[0], radii[-1])),
        caption=f"Lines are means over seeds, bands their 95% intervals.{others}",
        figure=figure,
    )


def _curves(results: Results) -> dict[str, dict[int, SummaryRow]]:
    """Estimates by variant, then radius."""
    curves: dict[str, dict[int, SummaryRow]] = {}
    for metric, estimates in results.estimates.items():
        radius = metric.removeprefix(PREFIX)
        if metric.startswith(PREFIX) and radius.isdecimal() and int(radius) > 0:
            for name, estimate in estimates.items():
                if math.isfinite(estimate.mean):
                    curves.setdefault(name, {})[int(radius)] = estimate
    return {name: curves[name] for name in results.in_order(curves)}


def _best(results: Results, curves: dict[str, dict[int, SummaryRow]], radius: int) -> str:
    means = {name: curve[radius].mean for name, curve in curves.items() if radius in curve}
    best = max(means, key=means.__getitem__)
    return (
        f"Within {radius} px of a boundary the highest mean is {fixed(means[best])}, "
        f"of {results.title_of(best)}."
    )
