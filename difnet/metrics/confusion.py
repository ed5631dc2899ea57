"""The confusion matrix and the scores read off it (Long et al., CVPR 2015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from difnet.config.errors import InputError
from difnet.metrics.arrays import Array, arange, histogram, to_numpy, widened
from difnet.metrics.label_maps import LabelMaps, label_maps
from difnet.metrics.ratios import mean_ratio, ratio


def confusion_matrix(prediction: Array, truth: Array, num_classes: int) -> NDArray[np.int64]:
    """Count valid pixels by true and predicted class, over the whole batch.

    Args:
        prediction: label maps (H,W) or (B,H,W), NumPy or torch, any integer dtype.
        truth: same shape, void = 255.
        num_classes: C, 1 to 256.

    Returns:
        int64 (C,C), rows truth, columns prediction; all zero when every pixel is void.

    Raises:
        InputError: see ``label_maps``.
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
    codes = widened(maps.truth, 64)
    codes *= classes
    codes += maps.prediction
    if batch > 1:
        codes += arange(batch, 64, like=codes)[:, None, None] * classes**2
    counts = to_numpy(histogram(codes, batch * classes**2)).reshape(batch, classes, classes)
    # Void pixels carry truth 0 and prediction 0: they were counted in that cell.
    counts[:, 0, 0] -= height * width - to_numpy(maps.valid.sum((1, 2)))
    return np.asarray(counts)


def iou(confusion: Array) -> NDArray[np.float64]:
    """Intersection over union of each class: (C,C) -> (C,), nan for a class that occurs in neither map.

    Raises:
        InputError: not a square matrix of finite, non-negative numbers.
    """
    intersection, union = class_overlap(_checked(confusion))
    return ratio(intersection, union)


def miou(confusion: Array) -> float:
    """Mean IoU over the classes with a nonzero union; nan when there is none.

    Args:
        confusion: (C,C), rows truth, columns prediction, NumPy or torch, summed over the data set.

    Raises:
        InputError: not a square matrix of finite, non-negative numbers.
    """
    return float(mean_ratio(*class_overlap(_checked(confusion))))


def pixel_accuracy(confusion: Array) -> float:
    """Share of valid pixels that are right: (C,C) -> float, nan when there is none.

    Raises:
        InputError: not a square matrix of finite, non-negative numbers.
    """
    matrix = _checked(confusion)
    return float(ratio(np.trace(matrix), matrix.sum()))


def mean_class_accuracy(confusion: Array) -> float:
    """Mean over the classes that occur in the truth of their share of right pixels; nan when there is none.

    Raises:
        InputError: not a square matrix of finite, non-negative numbers.
    """
    matrix = _checked(confusion)
    return float(mean_ratio(np.diagonal(matrix), matrix.sum(axis=1)))


def class_overlap(confusions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Intersection and union of each class in pixels: (...,C,C) -> twice (...,C)."""
    intersection = np.diagonal(confusions, axis1=-2, axis2=-1)
    return intersection, confusions.sum(axis=-1) + confusions.sum(axis=-2) - intersection


def _checked(confusion: Array) -> NDArray[np.int64]:
    matrix = np.asarray(to_numpy(confusion))
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise InputError(f"a confusion matrix must be square (C,C), not {matrix.shape}")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise InputError("a confusion matrix must hold finite counts, none of them negative")
    return matrix
