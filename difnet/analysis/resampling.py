"""Bootstrap over images: scores recomputed from resampled sums of per-image parts (Efron, 1979)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from difnet.metrics.metric import Numbers, Parts

RESAMPLES = 10_000
BLOCK = 1_000
"""Resamples whose sums are in memory at once."""


def image_weights(images: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
    """How often each image occurs in each resample: (resamples, images), rows sum to `images`.

    The same arguments give the same weights, so that differences between runs are paired.
    """
    codes = np.random.default_rng(seed).integers(0, images, size=(resamples, images))
    codes += np.arange(resamples)[:, None] * images
    return np.bincount(codes.ravel(), minlength=resamples * images).reshape(resamples, images).astype(float)


def resampled_values(
    parts: Parts, weights: NDArray[np.float64], value: Callable[[Parts], Numbers]
) -> NDArray[np.float64]:
    """Scores on every resample of the images.

    Args:
        parts: What each of I images adds, (I,...) each.
        weights: How often each image occurs in each resample, (R,I).
        value: Scores of sums over images, (R,...) each -> (R,...); nan where nothing counts.

    Returns:
        What `value` returns on the sums of all resamples, (R,...).
    """
    columns = {name: part.astype(np.float64) for name, part in parts.items()}
    return np.concatenate(
        [
            value(
                {
                    name: np.tensordot(weights[start : start + BLOCK], part, 1)
                    for name, part in columns.items()
                }
            )
            for start in range(0, len(weights), BLOCK)
        ]
    )


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
