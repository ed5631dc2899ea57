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
from difnet.metrics.confusion import class_iou, class_overlap
from difnet.metrics.label_maps import LabelMaps, label_maps, void_as_255
from difnet.metrics.metric import Metric, Parts, mean_counted
from difnet.metrics.miou import miou
from difnet.metrics.windows import over_discs

RADII = (1, 2, 4, 8, 16)
"""Radii in pixels of the bands that the benchmark reports."""


def _parts(maps: LabelMaps) -> Parts:
    """All bands at once: one dilation gives the nested discs of all radii."""
    bands = band_confusions(maps, RADII)
    parts: Parts = {}
    for place, radius in enumerate(RADII):
        parts |= class_overlap(bands[:, place], f"trimap_{radius}_")
    return parts


def _metric(radius: int) -> Metric:
    return Metric(
        name=f"trimap_miou@{radius}",
        title=f"trimap mIoU @ {radius}",
        definition=(
            "mIoU over the labelled pixels that have a differently labelled pixel within distance r, the "
            "number of pixels behind the @."
        ),
        parts=_parts,
        value=lambda sums: mean_counted(class_iou(sums, f"trimap_{radius}_")),
        order=7,
    )


TRIMAPS = tuple(map(_metric, RADII))


def trimap_miou(prediction: Array, truth: Array, num_classes: int, radius: float) -> float:
    """MIoU over the valid pixels with a differently labelled valid pixel within `radius`.

    Args:
        prediction: Label maps (H,W) or (B,H,W), NumPy or torch, any integer dtype.
        truth: Same shape, void = 255.
        num_classes: 1 to 256.
        radius: Euclidean distance in pixels, at least 1; not only one of `RADII`.

    Returns:
        The mIoU of one confusion matrix over the bands of all images; nan when they are empty.

    Raises:
        InputError: See `label_maps`; or if the radius is below 1 or not finite.
    """
    if not (math.isfinite(radius) and radius >= 1):
        raise InputError(f"the trimap radius must be at least 1 pixel, not {radius}")
    maps = label_maps(prediction, truth, num_classes)
    return miou(sum(band_confusions(block, (radius,)).sum(axis=(0, 1)) for block in maps.blocks()))


def band_confusions(maps: LabelMaps, radii: Sequence[float]) -> NDArray[np.int64]:
    """Confusion matrix of the band of each radius in each image: int64 (B,len(radii),C,C).

    Args:
        maps: Checked label maps.
        radii: Radii in pixels, ascending.
    """
    batch, height, width = maps.shape
    squared = [math.floor(radius**2) for radius in radii]
    highest = over_discs(maps.truth, squared, library(maps.truth).maximum, neutral=0)
    raised = void_as_255(maps.truth, maps.valid)
    lowest = over_discs(raised, squared, library(raised).minimum, neutral=255)
    # The bands are nested: the number of them that hold a pixel says which.
    level = zeros(maps.shape, "uint8", like=maps.truth)
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
