"""Boundary IoU (Cheng et al., CVPR 2021) of label maps, all classes at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from difnet.metrics.arrays import Array, arange, histogram, library, to_numpy, widened
from difnet.metrics.label_maps import LabelMaps, label_maps, void_as_255
from difnet.metrics.ratios import mean_ratio
from difnet.metrics.windows import over_square

DILATION_RATIO = 0.02
"""Width of the band as a share of the image diagonal."""


def boundary_iou(prediction: Array, truth: Array, num_classes: int) -> float:
    """IoU of the inner bands along the outlines, 0.02 image diagonals wide.

    The band of a class is what an erosion of its mask takes away; void is neither class nor background,
    and what is outside the image is background.

    Args:
        prediction: label maps (H,W) or (B,H,W), NumPy or torch, any integer dtype.
        truth: same shape, void = 255.
        num_classes: 1 to 256.

    Returns:
        Mean over classes of the ratio of sums over images; nan when no class occurs.

    Raises:
        InputError: see ``label_maps``.
    """
    maps = label_maps(prediction, truth, num_classes)
    intersection = np.zeros(num_classes, dtype=np.int64)
    union = np.zeros(num_classes, dtype=np.int64)
    for block in maps.blocks():
        block_intersection, block_union = band_overlap(block)
        intersection += block_intersection.sum(axis=0)
        union += block_union.sum(axis=0)
    return float(mean_ratio(intersection, union))


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
    """Valid pixels with another class or the image's edge within ``reach`` rows and columns: bool (B,H,W)."""
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
    codes = widened(labels, 16) * chosen + num_classes * widened(~chosen, 16)
    codes = codes + arange(batch, 64, like=labels)[:, None, None] * (num_classes + 1)
    counts = to_numpy(histogram(codes, batch * (num_classes + 1)))
    return np.asarray(counts).reshape(batch, num_classes + 1)[:, :num_classes]
