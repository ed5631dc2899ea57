"""The bootstrap over images and the parts of chance of a paired difference."""

from __future__ import annotations

import time

import numpy as np
import pytest

from difnet.analysis.resampling import image_covariance, image_weights, resampled_values
from difnet.analysis.study import effect_size, paired_estimate
from difnet.metrics import METRICS, miou
from difnet.metrics.confusion import class_overlap
from difnet.metrics.metric import image_means, ratio


def confusions(rng, images=101, classes=11):
    return rng.integers(0, 50, (images, classes, classes)) + 400 * np.eye(classes, dtype=int)


def test_resamples_recompute_the_data_set_score():
    """Each resampled value is the mIoU of the summed confusion matrices of the images drawn."""
    matrices = confusions(np.random.default_rng(0), images=7, classes=3)
    weights = image_weights(7, 20)
    assert weights.sum(axis=1).tolist() == [7.0] * 20
    values = resampled_values(class_overlap(matrices), weights, METRICS["miou"].value)
    expected = [miou(np.einsum("i,ijk->jk", row, matrices)) for row in weights]
    np.testing.assert_allclose(values, expected, rtol=1e-13)


def test_covariance_of_a_mean_is_the_textbook_one():
    """For a mean over images the bootstrap variance is the sample variance / images."""
    samples = np.random.default_rng(1).normal(size=(101, 2)) @ np.array([[1.0, 0.7], [0.0, 0.5]])
    values = resampled_values(
        image_means("m", samples), image_weights(101, 40_000), lambda sums: ratio(sums["m"], sums["m_images"])
    )
    expected = np.cov(samples, rowvar=False) / 101
    np.testing.assert_allclose(image_covariance(values, 101), expected, rtol=0.04)


def test_undefined_resamples_are_left_out():
    values = np.array([[1.0, 2.0], [np.nan, 1.0], [3.0, 5.0]])
    np.testing.assert_allclose(image_covariance(values, 5), np.array([[1.0, 1.5], [1.5, 2.25]]) * 5 / 4)
    assert np.isnan(image_covariance(values, 1)).all()


def test_paired_estimate_by_hand():
    """Images: mean of the covariance. Seeds: variance 4 less the 3 that no two seeds share, over 3."""
    covariance = np.full((3, 3), 1.0) + 3 * np.eye(3)
    estimate = paired_estimate(np.array([1.0, 3.0, 5.0]), covariance, images=50)
    image_part, seed_part = estimate.components
    assert (image_part.variance, image_part.degrees) == (2.0, 49)
    assert (seed_part.variance, seed_part.degrees) == (pytest.approx(1 / 3), 2)
    assert estimate.value == 3.0 and estimate.unit == "3 seeds x 50 images"


def test_seeds_that_agree_leave_the_image_part_alone():
    estimate = paired_estimate(np.array([1.0, 1.0]), np.ones((2, 2)), images=50)
    assert [part.variance for part in estimate.components] == [1.0, 0.0]
    assert effect_size(np.array([1.0, 1.0]), estimate, 50) == pytest.approx(1 / 50**0.5)


def test_one_seed_says_images_only():
    estimate = paired_estimate(np.array([0.5]), np.array([[0.04]]), images=30)
    assert estimate.unit == "30 images, one seed" and len(estimate.components) == 1
    assert estimate.half_width(0.95) == pytest.approx(0.2 * 2.04523, abs=1e-4)


def test_ten_thousand_resamples_are_quick():
    """3 seeds x 101 images x 11 classes of two variants in at most 2 s."""
    rng = np.random.default_rng(0)
    runs = [class_overlap(confusions(rng)) for _ in range(6)]
    start = time.process_time()
    weights = image_weights(101, 10_000)
    values = np.stack([resampled_values(run, weights, METRICS["miou"].value) for run in runs], axis=1)
    paired_estimate(np.zeros(3), image_covariance(values[:, :3] - values[:, 3:], 101), 101)
    assert time.process_time() - start < 2.0
