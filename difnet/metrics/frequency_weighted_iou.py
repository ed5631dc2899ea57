"""Frequency-weighted IoU (Long et al., CVPR 2015)."""

from __future__ import annotations

import numpy as np

from difnet.metrics.confusion import class_iou, overlap
from difnet.metrics.metric import Metric, ratio

FREQUENCY_WEIGHTED_IOU = Metric(
    name="frequency_weighted_iou",
    title="frequency-weighted IoU",
    definition=(
        "Intersection over union from sums over all images of the split, void pixels left out; mean over the "
        "classes, in which each weighs as much as it has pixels in the truth."
    ),
    parts=overlap,
    value=lambda sums: ratio(
        (np.nan_to_num(class_iou(sums)) * sums["labelled"]).sum(axis=-1), sums["labelled"].sum(axis=-1)
    ),
)
