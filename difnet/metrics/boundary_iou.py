"""Boundary IoU (Cheng et al., CVPR 2021) of label maps, all classes at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from difnet.metrics.arrays import Array, arange, converted, histogram, library, to_numpy
from difnet.metrics.confusion import class_iou
from difnet.metrics.label_maps import LabelMaps, void_as_255
from difnet.metrics.metric import Metric, Numbers, Parts, mean_counted
from difnet.metrics.windows import over_square

DILATION_RATIO = 0.02
"""Width of the band as a share of the image diagonal."""


def _parts(maps: LabelMaps) -> Parts:
    intersection, union = band_overlap(maps)
    return {"boundary_iou_intersection": intersection, "boundary_iou_union": union}


def _class_values(sums: Parts) -> Numbers:
    return class_iou(sums, "boundary_iou_")


BOUNDARY_IOU = Metric(
    name="boundary_iou",
    title="Boundary IoU",
    definition=(
        "IoU of the pixels within 2% of the image diagonal of their own region's outline (Cheng et al., "
        "2021); sums per class over the split, void pixels left out."
    ),
    parts=_parts,
    value=lambda sums: mean_counted(_class_values(sums)),
    class_name="boundary_iou",
    class_value=_class_values,
    in_table="described",
    order=6,
)


def boundary_iou(prediction: Array, truth: Array, num_classes: int) -> float:
    """IoU of the inner bands along the outlines, 0.02 image diagonals wide.

    The band of a class is what an erosion of its mask takes away; void is neither class nor background,
    and what is outside the image is background.

    Args:
        prediction: Label maps (H,W) or (B,H,W), NumPy or torch, any integer dtype.
        truth: Same shape, void = 255.
        num_classes: 1 to 256.

    Returns:
        Mean over classes of the ratio of sums over images; nan when no class occurs.

    Raises:
        InputError: See `label_maps`.
    """
    return BOUNDARY_IOU.of(prediction, truth, num_classes)


def band_overlap(maps: LabelMaps) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Intersection and union of the bands of each class in pixels: two int64 (B,C)."""
    _, height, width = maps.shape
    reach = max(1, round(DILATION_RATIO * math.hypot(height, width)))
    predicted = _band(maps.prediction, maps.valid, reach)
    true = _band(maps.truth, maps.valid, reach)
    both = predicted & true & (maps.prediction == maps.truth)
    intersection = _class_counts(maps.truth, both, maps.num_classes)
    areas = _class_counts(maps.prediction, predicted, maps.num_classes) + _class_counts(
        maps.truth, true, maps.num_classes
    )
    return intersection, areas - intersection


def _band(labels: Array, valid: Array, reach: int) -> Array:
    """Valid pixels with another class or the image's edge within `reach` rows and columns: bool (B,H,W)."""
    highest = over_square(labels, reach, library(labels).maximum, neutral=0)
    raised = void_as_255(labels, valid)
    lowest = over_square(raised, reach, library(raised).minimum, neutral=255)
    band = highest != lowest
    band[:, :reach] = True
    band[:, -reach:] = True
    band[:, :, :reach] = True
    band[:, :, -reach:] = True
    return band & valid


def _class_counts(labels: Array, chosen: Array, num_classes: int) -> NDArray[np.int64]:
    """Chosen pixels of each class and image: int64 (B,num_classes)."""
    batch = labels.shape[0]
    # Pixels that are not chosen go to one class more, which is dropped.
    codes = converted(labels, "int16") * chosen + num_classes * converted(~chosen, "int16")
    codes = codes + arange(batch, "int64", like=labels)[:, None, None] * (num_classes + 1)
    counts = to_numpy(histogram(codes, batch * (num_classes + 1)))
    return np.asarray(counts).reshape(batch, num_classes + 1)[:, :num_classes]
