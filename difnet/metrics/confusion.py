"""The confusion matrix, and what metrics of region overlap read off it (Long et al., CVPR 2015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from difnet.metrics.arrays import Array, arange, converted, histogram, to_numpy
from difnet.metrics.label_maps import LabelMaps, label_maps
from difnet.metrics.metric import Numbers, Parts, ratio


def confusion_matrix(prediction: Array, truth: Array, num_classes: int) -> NDArray[np.int64]:
    """Count valid pixels by true and predicted class, over the whole batch.

    Args:
        prediction: Label maps (H,W) or (B,H,W), NumPy or torch, any integer dtype.
        truth: Same shape, void = 255.
        num_classes: C, 1 to 256.

    Returns:
        int64 (C,C), rows truth, columns prediction; all zero when every pixel is void.

    Raises:
        InputError: See `label_maps`.
    """
    maps = label_maps(prediction, truth, num_classes)
    total = np.zeros((num_classes, num_classes), dtype=np.int64)
    for block in maps.blocks():
        total += confusions(block).sum(axis=0)
    return total


def confusions(maps: LabelMaps) -> NDArray[np.int64]:
    """Confusion matrix of each image: int64 (B,C,C)."""
    batch, height, width = maps.shape
    classes = maps.num_classes
    codes = converted(maps.truth, "int64")
    codes *= classes
    codes += maps.prediction
    if batch > 1:
        codes += arange(batch, "int64", like=codes)[:, None, None] * classes**2
    counts = to_numpy(histogram(codes, batch * classes**2)).reshape(batch, classes, classes)
    # Void pixels carry truth 0 and prediction 0: they were counted in that cell.
    counts[:, 0, 0] -= height * width - to_numpy(maps.valid.sum((1, 2)))
    return np.asarray(counts)


def overlap(maps: LabelMaps) -> Parts:
    """Pixels of each class in both maps (`intersection`), in either (`union`), in the truth (`labelled`)."""
    matrices = confusions(maps)
    return {**class_overlap(matrices), "labelled": matrices.sum(axis=-1)}


def class_overlap(matrices: NDArray[np.int64], prefix: str = "") -> Parts:
    """Intersection and union of each class in pixels: confusion matrices (...,C,C) -> two parts (...,C)."""
    intersection = np.diagonal(matrices, axis1=-2, axis2=-1)
    union = matrices.sum(axis=-1) + matrices.sum(axis=-2) - intersection
    return {f"{prefix}intersection": intersection, f"{prefix}union": union}


def class_iou(sums: Parts, prefix: str = "") -> Numbers:
    """Intersection over union of each class: (...,C); nan for a class that occurs in neither map."""
    return ratio(sums[f"{prefix}intersection"], sums[f"{prefix}union"])
