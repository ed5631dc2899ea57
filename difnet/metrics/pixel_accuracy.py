"""Pixel accuracy."""

from __future__ import annotations

from difnet.metrics.confusion import overlap
from difnet.metrics.metric import Metric, ratio

PIXEL_ACCURACY = Metric(
    name="pixel_accuracy",
    title="pixel accuracy",
    definition="Share of labelled pixels with the right class; void pixels left out.",
    parts=overlap,
    value=lambda sums: ratio(sums["intersection"].sum(axis=-1), sums["labelled"].sum(axis=-1)),
    in_table="described",
    order=2,
)
