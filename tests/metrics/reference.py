"""Every metric once more, slowly: one class, one image and one pixel pair at a time, from its definition."""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

VOID = 255


def confusion(prediction, truth, num_classes):
    """Rows truth, columns prediction."""
    matrix = np.zeros((num_classes, num_classes), dtype=np.int64)
    for true, predicted in zip(truth.ravel(), prediction.ravel(), strict=True):
        if true != VOID:
            matrix[true, predicted] += 1
    return matrix


def miou(matrix):
    """Mean over classes with a nonzero union."""
    scores = []
    for label in range(len(matrix)):
        union = matrix[label].sum() + matrix[:, label].sum() - matrix[label, label]
        if union:
            scores.append(matrix[label, label] / union)
    return np.mean(scores) if scores else np.nan


def dice(matrix):
    """Mean over classes with a nonzero union."""
    scores = []
    for label in range(len(matrix)):
        areas = matrix[label].sum() + matrix[:, label].sum()
        if areas:
            scores.append(2 * matrix[label, label] / areas)
    return np.mean(scores) if scores else np.nan


def mean_class_accuracy(matrix):
    """Mean over classes in the truth."""
    scores = [row[label] / row.sum() for label, row in enumerate(matrix) if row.sum()]
    return np.mean(scores) if scores else np.nan


def frequency_weighted_iou(matrix):
    """IoU of each class, weighted by its pixels in the truth."""
    if not matrix.sum():
        return np.nan
    total = 0.0
    for label in range(len(matrix)):
        labelled = matrix[label].sum()
        if labelled:
            union = labelled + matrix[:, label].sum() - matrix[label, label]
            total += labelled * matrix[label, label] / union
    return total / matrix.sum()


def boundary(labels, valid, label):
    """Set of the boundary pixels of one class."""
    height, width = labels.shape
    found = set()
    for y in range(height):
        for x in range(width):
            for down, right in ((0, 1), (1, 0), (1, 1)):
                v, u = y + down, x + right
                inside = v < height and u < width
                if (
                    inside
                    and valid[y, x]
                    and valid[v, u]
                    and (labels[y, x] == label) != (labels[v, u] == label)
                ):
                    found.add((y, x))
    return found


def boundary_f(prediction, truth, num_classes, one_to_one=False):
    """Boundary F-score of one image, by distance or by one-to-one matching."""
    valid = truth != VOID
    radius = 0.0075 * math.hypot(*truth.shape)
    radius = radius if one_to_one else math.ceil(radius)
    scores = []
    for label in range(num_classes):
        predicted, true = (sorted(boundary(maps, valid, label)) for maps in (prediction, truth))
        if not predicted and not true:
            continue
        near = np.array([[math.dist(p, q) <= radius for q in true] for p in predicted], dtype=bool)
        if not near.any():
            scores.append(0.0)
            continue
        if one_to_one:
            matched = matching(near)
            precision, recall = matched / len(predicted), matched / len(true)
        else:
            precision, recall = near.any(axis=1).mean(), near.any(axis=0).mean()
        scores.append(2 * precision * recall / (precision + recall))
    return np.mean(scores) if scores else np.nan


def matching(near):
    """Largest one-to-one matching: a full matching of least cost, where pairs that are not near cost more."""
    cost = np.where(near, 1.0, 2.0)
    if cost.shape[0] > cost.shape[1]:
        cost = cost.T
    rows, columns = min_weight_full_bipartite_matching(csr_matrix(cost))
    return int((cost[rows, columns] == 1.0).sum())


def boundary_iou(prediction, truth, num_classes):
    """Boundary IoU of one image."""
    valid = truth != VOID
    reach = max(1, round(0.02 * math.hypot(*truth.shape)))
    height, width = truth.shape
    scores = []
    for label in range(num_classes):
        bands = []
        for labels in (prediction, truth):
            mask = (labels == label) & valid
            solid = np.zeros((height + 2 * reach, width + 2 * reach), dtype=bool)
            solid[reach : reach + height, reach : reach + width] = mask | ~valid
            band = np.zeros_like(mask)
            for y in range(height):
                for x in range(width):
                    window = solid[y : y + 2 * reach + 1, x : x + 2 * reach + 1]
                    band[y, x] = mask[y, x] and not window.all()
            bands.append(band)
        union = (bands[0] | bands[1]).sum()
        if union:
            scores.append((bands[0] & bands[1]).sum() / union)
    return np.mean(scores) if scores else np.nan


def trimap_miou(prediction, truth, num_classes, radius):
    """Trimap mIoU of one image."""
    pixels = [(y, x) for y in range(truth.shape[0]) for x in range(truth.shape[1]) if truth[y, x] != VOID]
    banded = np.full_like(truth, VOID)
    for p in pixels:
        if any(truth[q] != truth[p] and math.dist(p, q) <= radius for q in pixels):
            banded[p] = truth[p]
    return miou(confusion(prediction, banded, num_classes))
