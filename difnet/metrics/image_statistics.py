"""What one image contributes to every score: small integer arrays, so that no prediction has to be kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from difnet.config.errors import InputError
from difnet.metrics.arrays import Array
from difnet.metrics.boundary_f import boundary_counts
from difnet.metrics.boundary_iou import band_overlap
from difnet.metrics.confusion import confusions
from difnet.metrics.label_maps import label_maps
from difnet.metrics.one_to_one import one_to_one_counts
from difnet.metrics.trimap import RADII, band_confusions


def image_statistics(prediction: Array, truth: Array, num_classes: int) -> dict[str, NDArray[np.int64]]:
    """Sufficient statistics of one image for every metric of the suite.

    Args:
        prediction: label map (H,W), NumPy or torch, any integer dtype.
        truth: same shape, void = 255.
        num_classes: C, 1 to 256.

    Returns:
        int64 arrays: ``confusion`` (C,C), rows truth; ``trimap_1`` .. ``trimap_16`` (C,C), the confusion
        matrix of each band; and (C,) each: ``boundary_matched_prediction``, ``boundary_prediction``,
        ``boundary_matched_truth``, ``boundary_truth``, ``boundary_one_to_one`` (boundary pixels),
        ``boundary_iou_intersection``, ``boundary_iou_union`` (band pixels).

    Raises:
        InputError: see ``label_maps``; or more than one image is given.
    """
    maps = label_maps(prediction, truth, num_classes)
    if maps.shape[0] != 1:
        raise InputError(f"image_statistics takes one image at a time, not {maps.shape[0]}")
    bands = band_confusions(maps, RADII)
    boundary = boundary_counts(maps)
    intersection, union = band_overlap(maps)
    return {
        "confusion": confusions(maps)[0],
        **{f"trimap_{radius}": bands[0, position] for position, radius in enumerate(RADII)},
        "boundary_matched_prediction": boundary.matched_prediction[0],
        "boundary_prediction": boundary.total_prediction[0],
        "boundary_matched_truth": boundary.matched_truth[0],
        "boundary_truth": boundary.total_truth[0],
        "boundary_one_to_one": one_to_one_counts(maps)[0][0],
        "boundary_iou_intersection": intersection[0],
        "boundary_iou_union": union[0],
    }
