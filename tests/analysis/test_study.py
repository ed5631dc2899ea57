"""The parts of chance of a mean over seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from difnet.analysis.blocks import cut_into_blocks
from difnet.analysis.study import effect_size, estimate

SCORES = np.array([1.0, 3.0, 5.0])


def images(count):
    """Independent ones."""
    return cut_into_blocks(("",) * count, ())


def influence(seeds, images=50, shared=1.0, own=0.0):
    """Influences whose covariance over images is shared^2 between seeds, and own^2 more of each."""
    vectors = np.linalg.qr(np.random.default_rng(0).normal(size=(images, seeds + 1)) - 0)[0].T
    return np.sqrt((images - 1) / images) * (shared * vectors[0] + own * vectors[1:])


def test_two_parts_by_hand():
    """Images: what two seeds share, 4. Seeds: the plain variance 4 over 3; nothing is taken off."""
    found = estimate(SCORES, influence(3, shared=2.0, own=9.0), images(50))
    of_images, of_seeds = found.components
    assert (of_images.variance, of_images.degrees) == (pytest.approx(4.0), 49)
    assert (of_seeds.variance, of_seeds.degrees) == (pytest.approx(4 / 3), 2)
    assert (found.value, found.unit, found.limit) == (3.0, "3 seeds x 50 images", "")


def test_seeds_that_contradict_each_other_on_the_images_share_nothing():
    moved = influence(2)
    found = estimate(np.array([0.1, 0.2]), np.array([moved[0], -moved[0]]), images(50))
    assert found.components[0].variance == 0.0


def test_too_few_images_speak_of_these_alone():
    found = estimate(SCORES, np.random.default_rng(0).normal(size=(3, 4)), images(4))
    assert found.unit == "3 seeds, on these 4 images alone" and len(found.components) == 1
    assert found.limit == "fewer than 5 independent blocks of images" and math.isnan(found.p_value())
    one = estimate(SCORES[:1], np.zeros((1, 2)), images(2))
    assert np.isnan(one.interval()).all() and one.limit == "one seed"


def test_without_any_variation_nothing_is_decided_but_equality():
    same = estimate(np.full(3, 0.1), np.zeros((3, 20)), images(20))
    assert same.limit == "no variation between seeds and images" and math.isnan(same.p_value())
    equal = estimate(np.zeros(3), np.zeros((3, 20)), images(20))
    assert (equal.limit, equal.p_value(), equal.interval()) == ("", 1.0, (0.0, 0.0))


def test_one_seed_and_two_have_intervals_but_no_p_value():
    one = estimate(SCORES[:1], influence(1, 30, shared=0.2), images(30))
    assert one.unit == "one seed x 30 images" and math.isnan(one.p_value())
    assert one.half_width(0.95) == pytest.approx(0.2 * 2.04523, abs=1e-4)
    two = estimate(SCORES[:2], influence(2, 30), images(30))
    assert two.limit == "two seeds" and math.isnan(two.p_value()) and two.half_width(0.95) > 12


def test_frames_of_a_shot_are_blocks():
    noise = np.random.default_rng(0).normal(size=(3, 102)) / 102
    influence = noise[:, :-1] + noise[:, 1:] + noise[:1, :-1]
    blocks = cut_into_blocks(("shot",) * 101, [influence[..., None]])
    moved = blocks.joined({"x": influence.T})["x"].T
    found = estimate(SCORES, moved, blocks)
    assert found.unit == f"3 seeds x {blocks.count} blocks (101 frames of 1 shot)"
    assert found.components[0].degrees == blocks.count - 1 < 60


def test_effect_size():
    found = estimate(SCORES, influence(3), images(50))
    assert effect_size(SCORES, found, 50) == pytest.approx(1.5)
    equal = estimate(np.ones(2), influence(2), images(50))
    assert effect_size(np.ones(2), equal, 50) == pytest.approx(1 / 50**0.5)
