"""Trimap mIoU: accuracy in a band around the true outlines.

Kohli et al., "Robust higher order potentials for enforcing label consistency", IJCV 2009.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from difnet.config.errors import InputError
from difnet.metrics.arrays import Array, histogram, library, positions, to_numpy, zeros
from difnet.metrics.confusion import miou
from difnet.metrics.label_maps import LabelMaps, label_maps, void_as_255
from difnet.metrics.windows import over_discs

RADII = (1, 2, 4, 8, 16)
"""Radii in pixels of the bands that the benchmark reports."""


def trimap_miou(prediction: Array, truth: Array, num_classes: int, radius: float) -> float:
    """MIoU over the valid pixels with a differently labelled valid pixel within ``radius``.

    Args:
        prediction: label maps (H,W) or (B,H,W), NumPy or torch, any integer dtype.
        truth: same shape, void = 255.
        num_classes: 1 to 256.
        radius: Euclidean distance in pixels, at least 1.

    Returns:
        The mIoU of one confusion matrix over the bands of all images; nan when they are empty.

    Raises:
        InputError: see ``label_maps``; or the radius is below 1 or not finite.
    """
    if not (math.isfinite(radius) and radius >= 1):
        raise InputError(f"the trimap radius must be at least 1 pixel, not {radius}")
    maps = label_maps(prediction, truth, num_classes)
    total = np.zeros((num_classes, num_classes), dtype=np.int64)
    for block in maps.blocks():
        total += band_confusions(block, (radius,))[:, 0].sum(axis=0)
    return miou(total)


def band_confusions(maps: LabelMaps, radii: Sequence[float]) -> NDArray[np.int64]:
    """Confusion matrix of the band of each radius in each image: int64 (B,len(radii),C,C).

    Args:
        maps: checked label maps.
        radii: radii in pixels, ascending.
    """
    batch, height, width = maps.shape
    squared = [math.floor(radius**2) for radius in radii]
    highest = over_discs(maps.truth, squared, library(maps.truth).maximum, neutral=0)
    raised = void_as_255(maps.truth, maps.valid)
    lowest = over_discs(raised, squared, library(raised).minimum, neutral=255)
    # The bands are nested: the number of them that hold a pixel says which.
    level = zeros(maps.shape, 8, like=maps.truth)
    for high, low in zip(highest, lowest, strict=True):
        level += high != low
    pixels = positions((level != 0) & maps.valid)
    codes = pixels // (height * width)
    sizes = (len(radii), maps.num_classes, maps.num_classes)
    for size, values in zip(sizes, (level - 1, maps.truth, maps.prediction), strict=True):
        codes *= size
        codes += values.reshape(-1)[pixels]
    by_level = to_numpy(histogram(codes, batch * math.prod(sizes))).reshape(batch, *sizes)
    return np.asarray(by_level[:, ::-1].cumsum(axis=1))
