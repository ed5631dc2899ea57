"""Boundary F-score: do the outlines of each class lie where they should?

Csurka et al., "What is a good evaluation measure for semantic segmentation?", BMVC 2013, with the outlines
and the tolerance of the DAVIS benchmark (Perazzi et al., CVPR 2016). All classes are handled at once: a pixel
carries one bit for each class it bounds, and the bits are dilated by shifts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from difnet.metrics.arrays import Array, arange, converted, library, positions, to_numpy, zeros
from difnet.metrics.label_maps import LabelMaps
from difnet.metrics.metric import Metric, Numbers, Parts, image_means, mean_counted, ratio
from difnet.metrics.windows import over_discs

NEIGHBOURS = ((0, 1), (1, 0), (1, 1))
"""East, south and south-east: (rows down, columns right)."""


@dataclass(frozen=True)
class BoundaryCounts:
    """Boundary pixels of each class in each image; four int64 arrays (B,C).

    Attributes:
        matched_prediction: Of the prediction, with a truth boundary pixel of the class in reach.
        total_prediction: Of the prediction.
        matched_truth: Of the truth, with a predicted boundary pixel of the class in reach.
        total_truth: Of the truth.
    """

    matched_prediction: NDArray[np.int64]
    total_prediction: NDArray[np.int64]
    matched_truth: NDArray[np.int64]
    total_truth: NDArray[np.int64]

    def f_scores(self) -> Numbers:
        """2PR / (P + R) of each image and class (B,C): 0 where one map lacks the class, nan where both do."""
        precision = ratio(self.matched_prediction, self.total_prediction)
        recall = ratio(self.matched_truth, self.total_truth)
        scores = np.nan_to_num(ratio(2 * precision * recall, precision + recall), nan=0.0)
        return np.where(self.total_prediction + self.total_truth > 0, scores, np.nan)


def _parts(maps: LabelMaps) -> Parts:
    scores = boundary_counts(maps).f_scores()
    over_classes = image_means("boundary_f", mean_counted(scores)[:, None])
    return over_classes | image_means("boundary_f_of_class", scores)


BOUNDARY_F = Metric(
    name="boundary_f",
    title="boundary F-score",
    definition=(
        "For each class and image, boundary pixels of prediction and truth count as matched when one of the "
        "same class lies within r = ⌈0.0075 × image diagonal⌉ pixels in the other map; F is the harmonic "
        "mean of precision and recall, averaged over classes, then over images. Void pixels are left out."
    ),
    parts=_parts,
    value=lambda sums: ratio(sums["boundary_f"], sums["boundary_f_images"])[..., 0],
    class_name="boundary_f",
    class_value=lambda sums: ratio(sums["boundary_f_of_class"], sums["boundary_f_of_class_images"]),
    in_table="compared",
    order=4,
)


def boundary_f_score(prediction: Array, truth: Array, num_classes: int) -> float:
    """Boundary F-score with a tolerance of ceil(0.0075 * image diagonal) pixels.

    Args:
        prediction: Label maps (H,W) or (B,H,W), NumPy or torch, any integer dtype.
        truth: Same shape, void = 255; the prediction counts as void where the truth is.
        num_classes: 1 to 256.

    Returns:
        Mean over the classes with a boundary in either map, then over the images that have one;
        nan when no image has.

    Raises:
        InputError: See `label_maps`.
    """
    return BOUNDARY_F.of(prediction, truth, num_classes)


def boundary_counts(maps: LabelMaps) -> BoundaryCounts:
    """Matched and total boundary pixels of every class and image."""
    squared_radius = tolerance(*maps.shape[1:]) ** 2
    batch, classes = maps.shape[0], maps.num_classes
    counts = np.zeros((4, batch, classes), dtype=np.int64)
    for classes_of_mask in class_groups(classes):
        predicted = boundary_masks(maps.prediction, maps.valid, classes_of_mask)
        true = boundary_masks(maps.truth, maps.valid, classes_of_mask)
        for row, (mask, other) in enumerate(((predicted, true), (true, predicted))):
            (near,) = over_discs(other, [squared_radius], library(other).bitwise_or, neutral=0)
            total, matched = _class_totals(mask, near, len(classes_of_mask))
            counts[2 * row, :, classes_of_mask] = matched.T
            counts[2 * row + 1, :, classes_of_mask] = total.T
    return BoundaryCounts(*counts)


def tolerance(height: int, width: int) -> int:
    """ceil(0.0075 * image diagonal) in pixels, without rounding errors."""
    return math.isqrt((9 * (height**2 + width**2) - 1) // 160_000) + 1


def class_groups(num_classes: int) -> list[list[int]]:
    """The classes in groups that fit the bits of one integer: up to 63."""
    return [list(range(first, min(first + 63, num_classes))) for first in range(0, num_classes, 63)]


def boundary_masks(labels: Array, valid: Array, classes: list[int]) -> Array:
    """The classes that each pixel bounds, one bit a class: integers (B,H,W).

    A pixel bounds a class when it and its east, south or south-east neighbour are valid and exactly one of
    the two is of the class.
    """
    batch, height, width = labels.shape
    dtype = next(f"int{bits}" for bits in (16, 32, 64) if len(classes) < bits)
    masks = zeros((batch, height, width), dtype, like=labels)
    bit_of_label = zeros((256,), dtype, like=labels)
    bit_of_label[classes[0] : classes[0] + len(classes)] = 1 << arange(len(classes), dtype, like=labels)
    edge = zeros((batch, height, width), "bool", like=labels)
    flat_masks, flat_labels = masks.reshape(-1), labels.reshape(-1)
    for down, right in NEIGHBOURS:
        here = (slice(None), slice(0, height - down), slice(0, width - right))
        there = (slice(None), slice(down, None), slice(right, None))
        edge[:] = False
        library(labels).not_equal(labels[here], labels[there], out=edge[here])
        edge[here] &= valid[here]
        edge[here] &= valid[there]
        pixels = positions(edge)
        neighbours = pixels + (down * width + right)
        flat_masks[pixels] |= bit_of_label[converted(flat_labels[pixels], "int64")]
        flat_masks[pixels] |= bit_of_label[converted(flat_labels[neighbours], "int64")]
    return masks


def _class_totals(masks: Array, near: Array, classes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Boundary pixels of each class, all and those that are near the other map's: two (B,classes)."""
    batch, height, width = masks.shape
    pixels = positions(masks != 0)
    ends = library(pixels).searchsorted(pixels, (arange(batch, "int64", like=masks) + 1) * (height * width))
    values = masks.reshape(-1)[pixels]
    bit = arange(classes, f"int{8 * masks.dtype.itemsize}", like=masks)[:, None]
    totals = []
    for chosen in (values, values & near.reshape(-1)[pixels]):
        running = zeros((classes, len(pixels) + 1), "int64", like=masks)
        running[:, 1:] = (chosen >> bit & 1).cumsum(1)
        totals.append(np.diff(to_numpy(running[:, ends]), axis=1, prepend=0).T)
    return totals[0], totals[1]
