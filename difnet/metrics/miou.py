"""Mean intersection over union (Everingham et al., IJCV 2010, per class; Long et al., CVPR 2015)."""

from __future__ import annotations

import numpy as np

from difnet.config.errors import InputError
from difnet.metrics.arrays import Array, to_numpy
from difnet.metrics.confusion import class_iou, class_overlap, overlap
from difnet.metrics.metric import Metric, mean_counted

MIOU = Metric(
    name="miou",
    title="mIoU",
    definition=(
        "Mean intersection over union: one confusion matrix over all images of the split, void pixels left "
        "out, mean over the classes with a nonzero union."
    ),
    parts=overlap,
    value=lambda sums: mean_counted(class_iou(sums)),
    class_name="iou",
    class_value=class_iou,
    in_table="compared",
    order=1,
)


def miou(confusion: Array) -> float:
    """Mean IoU over the classes with a nonzero union; nan when there is none.

    Args:
        confusion: (C,C), rows truth, columns prediction, NumPy or torch, summed over the data set.

    Raises:
        InputError: If it is not a square matrix of finite, non-negative numbers.
    """
    matrix = np.asarray(to_numpy(confusion))
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise InputError(f"a confusion matrix must be square (C,C), not {matrix.shape}")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise InputError("a confusion matrix must hold finite counts, none of them negative")
    return float(MIOU.value(class_overlap(matrix)))
