"""Accuracy near boundaries."""

from __future__ import annotations

from difnet.metrics.trimap import TRIMAPS
from difnet.report.figures.trimap import trimap_curves
from difnet.report.load import Results
from difnet.report.section import Section


def build(results: Results) -> Section:
    """Trimap curves."""
    plot = trimap_curves(results)
    return Section(
        key="boundaries",
        title="Boundaries",
        content={"definition": ("trimap mIoU @ r", TRIMAPS[0].definition)},
        plots={plot.name: plot} if plot else {},
    )
