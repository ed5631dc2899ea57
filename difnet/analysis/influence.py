"""What each image moves a score by: the jackknife (Efron and Stein, Annals of Statistics, 1981)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from difnet.metrics.metric import Numbers, Parts, summed


def influences(parts: Parts, value: Callable[[Parts], Numbers]) -> NDArray[np.float64]:
    """How far each of I images moves a score that is made of sums over all images.

    With e_i the score without image i and e their mean, that is (I - 1) / I (e - e_i); of a mean over images
    it is what the image adds, (x_i - mean) / I. They sum to 0, and the sum of the products of two scores'
    influences, times I / (I - 1), is the covariance of the scores over samples of images.

    Args:
        parts: What each image adds, (I,K) each.
        value: M scores of sums over images, (...,K) each -> (...,M); nan where nothing counts.

    Returns:
        (I,M); nan for a score that some image alone decides to be defined, and for all with one image.
    """
    sums = summed(parts)
    left_out = value({name: sums[name] - part for name, part in parts.items()})
    images = len(left_out)
    if images < 2:
        return np.full(left_out.shape, np.nan)
    moved: NDArray[np.float64] = (images - 1) / images * (left_out.mean(axis=0) - left_out)
    return moved
