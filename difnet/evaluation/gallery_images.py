"""Which images the gallery shows: by a rule that is stated beside them, never by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from difnet.metrics import METRICS
from difnet.metrics.metric import mean_counted
from difnet.tables import PerImage


@dataclass(frozen=True)
class Choice:
    """One image of the gallery."""

    index: int
    """Its place in the split."""
    reasons: tuple[str, ...]
    """fixed, best, median, worst."""
    difference: float
    """Per-image mIoU of the reference minus that of the comparison; nan where there is none."""


def per_image_miou(runs: Sequence[PerImage]) -> NDArray[np.float64]:
    """Per-image mIoU, the mean over the runs of one variant.

    Args:
        runs: What each image adds to the scores of each run.

    Returns:
        One value an image, (I,); nan for an image without a labelled pixel.
    """
    return mean_counted([METRICS["miou"].value(statistics.parts) for statistics in runs], axis=0)


def choose_images(count: int, *, fixed: int, differences: NDArray[np.float64] | None) -> list[Choice]:
    """Images evenly spaced over the split, then those with the best, the median and the worst difference.

    Args:
        count: Images of the split.
        fixed: How many evenly spaced ones.
        differences: Reference minus comparison for every image, (I,); None where nothing is compared.

    Returns:
        In that order; an image that is chosen twice has both reasons.
    """
    reasons: dict[int, list[str]] = {index: ["fixed"] for index in gallery_indices(count, fixed)}
    if differences is not None:
        ranked = [int(index) for index in np.argsort(-differences, kind="stable")]
        ranked = [index for index in ranked if not np.isnan(differences[index])]
        for reason, place in (("best", 0), ("median", len(ranked) // 2), ("worst", -1)):
            if ranked:
                reasons.setdefault(ranked[place], []).append(reason)
    return [
        Choice(index, tuple(words), float("nan") if differences is None else float(differences[index]))
        for index, words in reasons.items()
    ]


def gallery_indices(count: int, shown: int) -> list[int]:
    """Positions of `shown` images, evenly spaced over a split of `count`: no result picks them."""
    return [round(place) for place in np.linspace(0, count - 1, min(shown, count)).tolist()]
