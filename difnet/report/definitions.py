"""What each score is called and means, in the words that stand beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """A score in words."""

    name: str
    title: str
    definition: str
    in_table: Literal["", "described", "compared"] = ""
    """Whether the results table has its mean, or its difference from the reference as well."""


_ALL = (
    Metric(
        "miou",
        "mIoU",
        "Mean intersection over union: one confusion matrix over all images of the split, void pixels left "
        "out, mean over the classes with a nonzero union.",
        "compared",
    ),
    Metric(
        "boundary_f",
        "boundary F-score",
        "For each class and image, boundary pixels of prediction and truth count as matched when one of the "
        "same class lies within r = ⌈0.0075 × image diagonal⌉ pixels in the other map; F is the harmonic "
        "mean of precision and recall, averaged over classes, then over images. Void pixels are left out.",
        "compared",
    ),
    Metric(
        "boundary_iou",
        "Boundary IoU",
        "IoU of the pixels within 2% of the image diagonal of their own region's outline (Cheng et al., "
        "2021); sums per class over the split, void pixels left out.",
        "described",
    ),
    Metric(
        "pixel_accuracy",
        "pixel accuracy",
        "Share of labelled pixels with the right class; void pixels left out.",
        "described",
    ),
    *(
        Metric(
            f"trimap_miou@{radius}",
            f"trimap mIoU @ {radius}",
            "mIoU over the labelled pixels that have a differently labelled pixel within distance r.",
        )
        for radius in (1, 2, 4, 8, 16)
    ),
)
METRICS = {metric.name: metric for metric in _ALL}
