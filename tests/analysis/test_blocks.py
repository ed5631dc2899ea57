"""Independent blocks of images, and the cutting of shots by their autocorrelation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from difnet.analysis.blocks import cut_into_blocks


def cut(groups, influence):
    """Blocks of one variant in one score, (S,I)."""
    return cut_into_blocks(groups, [np.asarray(influence)[..., None]])


def autoregression(rng, frames, correlation, seeds=1):
    """(seeds, frames) with unit variance."""
    series = rng.normal(size=(seeds, frames))
    for frame in range(1, frames):
        series[:, frame] = correlation * series[:, frame - 1] + np.sqrt(1 - correlation**2) * series[:, frame]
    return series


def test_images_without_groups_are_blocks():
    influence = np.random.default_rng(0).normal(size=(2, 9))
    blocks = cut(("",) * 9, influence)
    assert (blocks.count, blocks.unit, blocks.inflation) == (9, "9 images", 1.0)
    np.testing.assert_allclose(blocks.covariance(influence), 9 / 8 * influence @ influence.T)


def test_enough_groups_are_blocks_as_they_are():
    groups = ("a", "b", "a", "c", "", "d", "b")
    blocks = cut(groups, np.ones((1, 7)))
    assert blocks.of_image.tolist() == [0, 1, 0, 2, 3, 4, 1]
    assert (blocks.count, blocks.unit) == (5, "5 groups (7 images)")


def test_a_shot_of_alike_frames_counts_as_few():
    rng = np.random.default_rng(3)
    counts = [cut(("shot",) * 101, autoregression(rng, 101, r)).count for r in (0.0, 0.5, 0.8, 0.98)]
    assert counts == sorted(counts, reverse=True) and counts[0] > 50 and counts[-1] < 5


def test_blocks_never_cross_a_shot():
    blocks = cut(("a",) * 30 + ("b",) * 20, autoregression(np.random.default_rng(0), 50, 0.7))
    assert not set(blocks.of_image[:30]) & set(blocks.of_image[30:])
    assert blocks.unit == f"{blocks.count} blocks (50 frames of 2 shots)"


@pytest.mark.parametrize("correlation", [0.3, 0.6])
def test_the_variance_of_a_mean_over_frames(correlation):
    """On average not less than that of 1,500 fresh shots, and not twice as much."""
    rng = np.random.default_rng(1)
    means, variances = [], []
    for _ in range(1500):
        series = autoregression(rng, 101, correlation)
        influence = (series - series.mean()) / 101
        blocks = cut(("shot",) * 101, influence)
        means.append(series.mean())
        if blocks.count >= 5:
            moved = blocks.joined({"x": influence.T})["x"].T
            variances.append(blocks.covariance(moved)[0, 0])
    assert np.var(means) < np.mean(variances) < 2 * np.var(means)


def test_what_only_single_seeds_do_tells_nothing_about_the_shot():
    """White noise of each seed over a slow drift that all share: the drift is found, over twenty shots."""
    rng = np.random.default_rng(0)
    counts = [
        cut(("shot",) * 101, autoregression(rng, 101, 0.9) + 2 * rng.normal(size=(10, 101))).count
        for _ in range(20)
    ]
    assert np.median(counts) < 12


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=40), st.integers(1, 4))
def test_every_image_is_in_one_block(groups, seeds):
    influence = np.random.default_rng(0).normal(size=(seeds, len(groups)))
    blocks = cut(groups, influence)
    assert sorted(set(blocks.of_image.tolist())) == list(range(blocks.count))
    joined = blocks.joined({"x": influence.T})["x"]
    np.testing.assert_allclose(joined.sum(axis=0), influence.sum(axis=1), atol=1e-12)
    assert blocks.covariance(joined.T).shape == (seeds, seeds)


def test_no_variation_at_all():
    blocks = cut(("shot",) * 30, np.zeros((3, 30)))
    assert blocks.count == 30 and (blocks.covariance(np.zeros((3, 30))) == 0).all()


def test_the_score_that_is_most_alike_from_frame_to_frame_decides():
    rng = np.random.default_rng(0)
    noise, drift = (autoregression(rng, 101, correlation, seeds=3) for correlation in (0.0, 0.9))
    both = cut_into_blocks(("shot",) * 101, [np.stack([noise, drift], axis=-1)])
    assert both.count == cut(("shot",) * 101, drift).count < cut(("shot",) * 101, noise).count
