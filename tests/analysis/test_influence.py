"""The jackknife against textbook variances, for means and for ratios."""

from __future__ import annotations

import numpy as np
import pytest

from difnet.analysis.influence import influences
from difnet.metrics import METRICS
from difnet.metrics.confusion import class_overlap
from difnet.metrics.metric import image_means, ratio


def mean_of(sums):
    return ratio(sums["m"], sums["m_images"])


def test_of_a_mean_it_is_what_each_image_adds():
    scores = np.random.default_rng(0).normal(size=(20, 2))
    moved = influences(image_means("m", scores), mean_of)
    np.testing.assert_allclose(moved, (scores - scores.mean(axis=0)) / 20, atol=1e-15)
    covariance = 20 / 19 * moved.T @ moved
    np.testing.assert_allclose(covariance, np.cov(scores, rowvar=False) / 20, atol=1e-15)


def test_of_a_data_set_score_its_variance_is_that_over_fresh_images():
    """mIoU of 60 images, 7 classes: the mean variance is that of 2,000 fresh data sets within 10%."""
    rng = np.random.default_rng(1)

    def fresh():
        quality = rng.uniform(0.2, 1.0, (60, 1, 1))
        matrices = rng.poisson(10, (60, 7, 7)) + np.eye(7) * rng.poisson(300 * quality, (60, 7, 7))
        return class_overlap(matrices)

    value = METRICS["miou"].value
    scores, variances = [], []
    for _ in range(2000):
        parts = fresh()
        moved = influences(parts, value)
        scores.append(float(value({name: part.sum(axis=0) for name, part in parts.items()})))
        variances.append(60 / 59 * float((moved**2).sum()))
    assert np.mean(variances) == pytest.approx(np.var(scores), rel=0.1)


def test_undefined():
    assert np.isnan(influences(image_means("m", np.array([[0.5]])), mean_of)).all()
    # Without the first image nothing counts.
    assert np.isnan(influences(image_means("m", np.array([[0.5], [np.nan]])), mean_of)).all()
