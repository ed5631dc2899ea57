"""Bootstrap over images: scores recomputed from resampled sums of per-image statistics (Efron, 1979)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from difnet.metrics.ratios import mean_ratio
from difnet.metrics.scores import Score

RESAMPLES = 10_000
BLOCK = 1_000


def image_weights(images: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
    """How often each image occurs in each resample: (resamples, images), rows sum to ``images``.

    The same arguments give the same weights, so that differences between runs are paired.
    """
    drawn = np.random.default_rng(seed).integers(0, images, size=(resamples, images))
    codes = drawn + np.arange(resamples)[:, None] * images
    return np.bincount(codes.ravel(), minlength=resamples * images).reshape(resamples, images).astype(float)


def resampled_values(scores: Sequence[Score], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every score on every resample: (resamples, len(scores)); nan where nothing counts."""
    columns = np.concatenate(
        [part for score in scores for part in (score.numerators, score.denominators)], axis=1
    )
    values = np.empty((len(weights), len(scores)))
    for start in range(0, len(weights), BLOCK):
        sums = weights[start : start + BLOCK] @ columns
        first = 0
        for position, score in enumerate(scores):
            size = score.numerators.shape[1]
            middle, last = first + size, first + 2 * size
            values[start : start + BLOCK, position] = mean_ratio(sums[:, first:middle], sums[:, middle:last])
            first = last
    return values


def image_covariance(values: NDArray[np.float64], images: int) -> NDArray[np.float64]:
    """Covariance over image samples of several scores of one study: (resamples, S) -> (S, S).

    Resamples in which a score is undefined are left out. The factor I / (I - 1) takes away the bias of the
    bootstrap variance of a mean. With one image, nan.
    """
    size = values.shape[1]
    defined = values[~np.isnan(values).any(axis=1)]
    if images < 2 or len(defined) < 2:
        return np.full((size, size), np.nan)
    return np.cov(defined, rowvar=False, ddof=0).reshape(size, size) * images / (images - 1)
