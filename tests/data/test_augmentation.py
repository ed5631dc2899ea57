"""Views of an image and its label, and changes of colour."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from difnet.config import TrainConfig
from difnet.data.augmentation import (
    BRIGHTNESS,
    CONTRAST,
    HUE,
    SATURATION,
    View,
    distort_colours,
    draw_view,
    normalise,
    take,
)
from difnet.data.dataset import Pixels

SIZES = st.tuples(st.integers(3, 90), st.integers(3, 90))
SCALES = st.sampled_from([None, (0.5, 1.4), (0.5, 2.0), (1.0, 1.0)])


def recipe(scale: tuple[float, float] | None, side: int | None, **changes: object) -> TrainConfig:
    return TrainConfig(scale=scale, crop=side, **changes)


def coordinates(shape: tuple[int, int]) -> tuple[Pixels, Pixels]:
    """An image whose red and green are row and column, and a label of row + 2 columns, modulo 251."""
    rows, columns = np.indices(shape, dtype=np.uint8)
    blue = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    label = (np.add.outer(np.arange(shape[0]), 2 * np.arange(shape[1])) % 251).astype(np.uint8)
    return np.stack([rows, columns, blue], axis=-1), label


def whole(shape: tuple[int, int], size: tuple[int, int], *, flip: bool = False) -> View:
    return View(slice(0, shape[0]), slice(0, shape[1]), size=size, flip=flip)


@settings(max_examples=80, deadline=None)
@given(shape=SIZES, side=st.integers(1, 100), flip=st.booleans(), seed=st.integers(0, 2**31))
def test_image_and_label_are_cut_at_the_same_place(
    shape: tuple[int, int], side: int, flip: bool, seed: int
) -> None:
    image, label = coordinates(shape)
    view = draw_view(shape, recipe(None, side), flip=flip, rng=np.random.default_rng(seed))
    pixels, truth = (part.numpy() for part in take(image[view.rows], label[view.rows], view))
    assert truth.shape == (min(side, shape[0]), min(side, shape[1]))
    rows, columns, blue = pixels.transpose(2, 0, 1).astype(int)
    assert np.array_equal(truth, (rows + 2 * columns) % 251)
    assert np.array_equal(blue, image[rows, columns, 2])
    assert (np.diff(rows, axis=0) == 1).all() and (np.diff(columns, axis=1) == (-1 if flip else 1)).all()


@settings(max_examples=80, deadline=None)
@given(shape=SIZES, size=SIZES)
def test_two_flips_are_none(shape: tuple[int, int], size: tuple[int, int]) -> None:
    image, label = coordinates(shape)
    once = take(image, label, whole(shape, shape, flip=True))
    twice = take(once[0].numpy(), once[1].numpy(), whole(shape, shape, flip=True))
    assert np.array_equal(twice[0], image) and np.array_equal(twice[1], label)
    resized, flipped = (take(image, label, whole(shape, size, flip=flip)) for flip in (False, True))
    assert (flipped[0].flip(1).int() - resized[0].int()).abs().max() <= 1
    assert torch.equal(flipped[1].flip(1), resized[1])


@settings(max_examples=150, deadline=None)
@given(shape=SIZES, scale=SCALES, side=st.integers(8, 100), flip=st.booleans(), seed=st.integers(0, 2**31))
def test_scaled_image_and_label_show_the_same_coordinates(
    shape: tuple[int, int], scale: tuple[float, float] | None, side: int, flip: bool, seed: int
) -> None:
    """Bilinear interpolation keeps a ramp, up to rounding and the ends, where it has one neighbour."""
    image, _ = coordinates(shape)
    view = draw_view(shape, recipe(scale, side), flip=flip, rng=np.random.default_rng(seed))
    for channel in (0, 1):
        part = image[view.rows]
        pixels, truth = take(part, part[..., channel], view)
        shown = pixels[..., channel].numpy().astype(float)
        assert np.abs(shown - truth.numpy()).max() <= 1.5
    assert np.ptp(shown) >= 0.8 * (view.columns.stop - view.columns.start) - 3


@settings(max_examples=150, deadline=None)
@given(shape=SIZES, side=st.integers(16, 100), seed=st.integers(0, 2**31), factor=st.floats(0.5, 2.0))
def test_every_part_is_shown_at_the_factor(
    shape: tuple[int, int], side: int, seed: int, factor: float
) -> None:
    view = draw_view(shape, recipe((factor, factor), side), flip=False, rng=np.random.default_rng(seed))
    for length, part, shown in zip(shape, (view.rows, view.columns), view.size, strict=True):
        assert 0 <= part.start < part.stop <= length
        assert abs(shown - factor * (part.stop - part.start)) <= max(0.5, factor / 2) + 1e-9
        assert shown == side if round(factor * length) > side else part == slice(0, length)


def test_factors_cover_the_range() -> None:
    rng = np.random.default_rng(0)
    heights = [draw_view((100, 60), recipe((0.5, 2.0), 300), flip=False, rng=rng).size[0] for _ in range(400)]
    assert 50 <= min(heights) < 53 and 197 < max(heights) <= 200
    assert 118 < np.mean(heights) < 132


@pytest.mark.parametrize("flip", [False, True])
def test_crops_reach_every_place(flip: bool) -> None:
    rng = np.random.default_rng(0)
    views = [draw_view((6, 9), recipe(None, 4), flip=flip, rng=rng) for _ in range(200)]
    assert {view.rows.start for view in views} == {0, 1, 2}
    assert {view.columns.start for view in views} == set(range(6))
    scaled = [draw_view((60, 60), recipe((2.0, 2.0), 100), flip=flip, rng=rng) for _ in range(400)]
    assert {view.rows.start for view in scaled} == set(range(11))


def test_a_thin_image_keeps_a_pixel() -> None:
    view = draw_view((1, 40), recipe((0.2, 0.2), 4), flip=False, rng=np.random.default_rng(0))
    pixels, truth = take(*coordinates((1, 40)), view)
    assert view.size == (1, 4) and pixels.shape == (1, 4, 3) and truth.shape == (1, 4)


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.3, 2.0])
def test_an_edge_is_where_the_label_has_it(factor: float) -> None:
    label = np.zeros((48, 64), dtype=np.uint8)
    label[:, 23:] = 1
    image = np.repeat((255 * label)[..., None], 3, axis=-1)
    size = round(48 * factor), round(64 * factor)
    pixels, truth = take(image, label, whole((48, 64), size))
    edge = (pixels[..., 0].float() / 255).sum() - truth.sum()
    assert abs(float(edge)) / size[0] <= 0.5


@pytest.mark.parametrize("column", range(8, 42))
def test_scaling_down_overlooks_no_pixel(column: int) -> None:
    """A bright column keeps its share of the light; without antialiasing one in five would vanish."""
    image = np.zeros((10, 50, 3), dtype=np.uint8)
    image[:, column] = 250
    pixels, _ = take(image, image[..., 0], whole((10, 50), (4, 20)))
    assert abs(int(pixels[2, :, 0].sum()) - 100) <= 30


def test_stored_pixels_are_left_alone() -> None:
    image, label = coordinates((20, 20))
    pixels, truth = take(image, label, whole((20, 20), (20, 20)))
    pixels.zero_(), truth.zero_()
    assert np.array_equal(image, coordinates((20, 20))[0]) and np.array_equal(label, coordinates((20, 20))[1])


@pytest.mark.parametrize("normalisation", ["imagenet", "caffe"])
def test_normalising_stays_on_the_device(normalisation: str) -> None:
    images = torch.empty(2, 5, 7, 3, dtype=torch.uint8, device="meta")
    assert normalise(images, normalisation).device.type == "meta"  # type: ignore[arg-type]


class Script:
    """Random numbers that make one of the changes, by its largest amount, contrast first."""

    def __init__(self, change: int) -> None:
        self.numbers: Iterator[float] = iter([0.0, *(0.0 if i == change else 0.9 for i in range(4))])

    def random(self) -> float:
        return next(self.numbers)

    def uniform(self, low: float, high: float) -> float:
        return high


def expected(change: int, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    grey: NDArray[np.float64] = pixels @ [0.299, 0.587, 0.114]
    if change == 0:
        return BRIGHTNESS[1] * pixels
    if change == 1:
        return CONTRAST[1] * pixels + (1 - CONTRAST[1]) * grey.mean()
    if change == 2:
        return SATURATION[1] * pixels + (1 - SATURATION[1]) * grey[..., None]
    turned = [colorsys.rgb_to_hsv(*pixel) for pixel in pixels.reshape(-1, 3)]
    return np.array([colorsys.hsv_to_rgb((h + HUE[1]) % 1, s, v) for h, s, v in turned]).reshape(pixels.shape)


@pytest.mark.parametrize("change", range(4))
def test_each_change_of_colour(change: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    found = distort_colours(torch.from_numpy(image), Script(change))  # type: ignore[arg-type]
    wanted = 255 * expected(change, image / 255).clip(0, 1)
    assert np.abs(found.numpy() - wanted).max() <= 0.6
    assert np.abs(found.numpy().astype(int) - image).max() > 5


def test_each_change_happens_half_of_the_time() -> None:
    image = torch.from_numpy(np.random.default_rng(0).integers(60, 190, (4, 4, 3), dtype=np.uint8))
    grey = image[..., :1].expand(-1, -1, 3)
    rng = np.random.default_rng(1)
    unchanged = np.mean([torch.equal(distort_colours(image, rng), image) for _ in range(600)])
    assert abs(unchanged - 1 / 16) < 0.03
    results = [distort_colours(grey, rng) for _ in range(600)]
    assert all((result == result[..., :1]).all() for result in results)
    assert abs(np.mean([torch.equal(result, grey) for result in results]) - 1 / 4) < 0.05


def test_contrast_comes_before_and_after_the_others() -> None:
    """With all four changes, the two orders give two results."""

    class All(Script):
        def __init__(self, first: float) -> None:
            self.numbers = iter([first, 0.0, 0.0, 0.0, 0.0])

    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8))
    before, after = (distort_colours(image, All(first)) for first in (0.2, 0.8))  # type: ignore[arg-type]
    assert not torch.equal(before, after)
