"""Boundary F-score in which every boundary pixel may be matched once only."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_flow

from difnet.metrics.arrays import Array, to_numpy
from difnet.metrics.boundary_f import BoundaryCounts, boundary_masks, class_groups
from difnet.metrics.label_maps import LabelMaps
from difnet.metrics.metric import Metric, Parts, image_means, mean_counted, ratio


def _parts(maps: LabelMaps) -> Parts:
    scores = one_to_one_counts(maps).f_scores()
    return image_means("boundary_f_one_to_one", mean_counted(scores)[:, None])


BOUNDARY_F_ONE_TO_ONE = Metric(
    name="boundary_f_one_to_one",
    title="boundary F-score, one to one",
    definition=(
        "The boundary F-score in which every boundary pixel is matched at most once: a largest one-to-one "
        "matching within r = 0.0075 × image diagonal, not rounded. Void pixels are left out."
    ),
    parts=_parts,
    value=lambda sums: ratio(sums["boundary_f_one_to_one"], sums["boundary_f_one_to_one_images"])[..., 0],
    order=5,
)


def boundary_f_one_to_one(prediction: Array, truth: Array, num_classes: int) -> float:
    """Boundary F-score by a largest one-to-one matching within 0.0075 image diagonals (not rounded).

    The outlines are those of `boundary_f_score`; the matching is of maximum cardinality, found as a
    maximum flow (Dinic, 1970; Martin et al., PAMI 2004, matched outlines so first). It runs on the CPU.

    Args:
        prediction: Label maps (H,W) or (B,H,W), NumPy or torch, any integer dtype.
        truth: Same shape, void = 255.
        num_classes: 1 to 256.

    Returns:
        Mean over the classes with a boundary in either map, then over the images that have one;
        nan when no image has.

    Raises:
        InputError: See `label_maps`.
    """
    return BOUNDARY_F_ONE_TO_ONE.of(prediction, truth, num_classes)


def one_to_one_counts(maps: LabelMaps) -> BoundaryCounts:
    """Matched pairs (counted on both sides) and boundary pixels of every class and image."""
    batch, height, width = maps.shape
    squared_radius = 9 * (height**2 + width**2) // 160_000
    matched, predicted, true = np.zeros((3, batch, maps.num_classes), dtype=np.int64)
    for classes in class_groups(maps.num_classes):
        prediction_masks = to_numpy(boundary_masks(maps.prediction, maps.valid, classes))
        truth_masks = to_numpy(boundary_masks(maps.truth, maps.valid, classes))
        for image in range(batch):
            for bit, label in enumerate(classes):
                left = (prediction_masks[image] >> bit & 1).astype(bool)
                right = (truth_masks[image] >> bit & 1).astype(bool)
                predicted[image, label], true[image, label] = left.sum(), right.sum()
                matched[image, label] = _largest_matching(left, right, squared_radius)
    return BoundaryCounts(matched, predicted, matched, true)


def _largest_matching(left: NDArray[np.bool_], right: NDArray[np.bool_], squared_radius: int) -> int:
    """Most pairs of a left and a right pixel within the radius, no pixel used twice."""
    if not left.any() or not right.any():
        return 0
    reach = math.isqrt(squared_radius)
    number = np.full((right.shape[0] + 2 * reach, right.shape[1] + 2 * reach), -1, dtype=np.int32)
    inside = number[reach : reach + right.shape[0], reach : reach + right.shape[1]]
    inside[right] = np.arange(right.sum(), dtype=np.int32)
    offsets = np.arange(-reach, reach + 1)
    down, across = np.meshgrid(offsets, offsets, indexing="ij")
    in_disc = down**2 + across**2 <= squared_radius
    rows, columns = np.nonzero(left)
    candidates = number[rows[:, None] + (reach + down[in_disc]), columns[:, None] + (reach + across[in_disc])]
    pixel, candidate = np.nonzero(candidates >= 0)
    # A unit flow from a source (node 0) over left and right pixels to a sink is a matching.
    # (scipy's maximum_bipartite_matching did not end within minutes on some outlines of CamVid.)
    left_size, right_size = len(rows), int(right.sum())
    left_nodes = np.arange(1, left_size + 1)
    right_nodes = np.arange(left_size + 1, left_size + right_size + 1)
    sink = left_size + right_size + 1
    tails = np.concatenate([np.zeros_like(left_nodes), left_nodes[pixel], right_nodes])
    heads = np.concatenate(
        [left_nodes, right_nodes[candidates[pixel, candidate]], np.full_like(right_nodes, sink)]
    )
    capacities = csr_matrix((np.ones(len(tails), dtype=np.int32), (tails, heads)), shape=(sink + 1, sink + 1))
    return int(maximum_flow(capacities, 0, sink, method="dinic").flow_value)
