"""The generated data set."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from difnet.config import DataConfig
from difnet.data import VOID, Pair, open_dataset
from difnet.data.datasets.shapes.markers import PATTERNS, marker
from difnet.data.datasets.shapes.scene import Canvas, Window


def pairs(split: str, count: int, **options: object) -> list[Pair]:
    dataset = open_dataset(DataConfig(name="shapes", options=options))
    return [sample.read() for sample in dataset.samples()[split][:count]]


@pytest.fixture(scope="module")
def train() -> list[Pair]:
    return pairs("train", 150)


def test_no_image_is_in_two_splits_or_twice_in_one() -> None:
    samples = open_dataset(DataConfig(name="shapes")).samples()
    images = [sample.read().image.tobytes() for group in samples.values() for sample in group]
    assert {split: len(group) for split, group in samples.items()} == {"train": 1200, "val": 100, "test": 100}
    assert len({hashlib.sha256(image).digest() for image in images}) == 1400


def test_splits_do_not_share_scenes_under_different_noise() -> None:
    """Without noise, light and clutter the images of two splits still differ in most pixels."""
    plain = {"noise": 0.0, "lighting": 0.0, "clutter": 0}
    first = [pair.label for pair in pairs("train", 40, **plain)]
    second = [pair.label for pair in pairs("val", 40, **plain)]
    agreement = [np.mean((a == b)[(a > 0) | (b > 0)]) for a in first for b in second]
    assert max(agreement) < 0.8


def test_images_are_the_same_in_any_order_and_number(train: list[Pair]) -> None:
    dataset = open_dataset(DataConfig(name="shapes", options={"train": 3, "val": 1, "test": 1}))
    last, first = dataset.samples()["train"][2].read(), dataset.samples()["train"][0].read()
    assert np.array_equal(first.image, train[0].image)
    assert np.array_equal(last.image, train[2].image)
    assert np.array_equal(last.label, train[2].label)


def test_another_seed_gives_other_images(train: list[Pair]) -> None:
    assert not np.array_equal(pairs("train", 1, seed=1)[0].image, train[0].image)


def test_every_class_and_void_occur_and_no_region_class_dominates(train: list[Pair]) -> None:
    labels = np.stack([pair.label for pair in train])
    share = np.bincount(labels.ravel(), minlength=256) / labels.size
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4, 5, 6, VOID}
    assert 0.3 < share[0] < 0.6
    assert (share[1:7] > 0.06).all()
    assert 0 < share[VOID] < 0.02


def test_colour_says_nothing_about_the_class(train: list[Pair]) -> None:
    """The nearest class by mean colour of a region, fitted on 100 images, is right about one time in six."""
    colours = [
        (pair.image[pair.label == label].mean(axis=0), label)
        for pair in train
        for label in np.unique(pair.label[(pair.label > 0) & (pair.label < VOID)])
    ]
    fitted, held_out = colours[:250], colours[250:]
    means = np.array([np.mean([c for c, label in fitted if label == k], axis=0) for k in range(1, 7)])
    right = [1 + np.linalg.norm(means - colour, axis=1).argmin() == label for colour, label in held_out]
    assert np.mean(right) < 0.3


def test_a_region_holds_exactly_its_marker() -> None:
    """Without clutter an image with a single region is labelled with the pattern drawn in it."""
    plain = {"regions": 1, "clutter": 0, "noise": 0.0, "lighting": 0.0, "marker": 15}
    for pair in pairs("train", 40, **plain):
        (label,) = np.unique(pair.label[pair.label > 0])
        scores = {kind: best_match(pair, marker(kind, 15)) for kind in PATTERNS}
        assert max(scores, key=scores.__getitem__) == list(PATTERNS)[label - 1]


def best_match(pair: Pair, pattern: np.ndarray) -> float:
    """Largest absolute correlation of a pattern with the brightness inside the region."""
    windows = np.lib.stride_tricks.sliding_window_view(pair.image.mean(axis=2), pattern.shape)
    centred = windows - windows.mean(axis=(2, 3), keepdims=True)
    template = pattern - pattern.mean()
    norms = np.sqrt((centred**2).sum(axis=(2, 3)) * (template**2).sum())
    return float(np.abs((centred * template).sum(axis=(2, 3)) / np.maximum(norms, 1e-9)).max())


def test_markers_stay_visible_and_loose_ones_stay_on_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the finished label the place of a marker has one class: the marker's, or background."""
    drawn: list[tuple[str, Window]] = []
    original = Canvas.stamp

    def stamp(canvas: Canvas, kind: str, window: Window) -> None:
        drawn.append((kind, window))
        original(canvas, kind, window)

    monkeypatch.setattr(Canvas, "stamp", stamp)
    loose = 0
    for sample in open_dataset(DataConfig(name="shapes")).samples()["train"][:100]:
        drawn.clear()
        label = sample.read().label
        for kind, window in drawn:
            (value,) = np.unique(label[window])
            assert value in {0, 1 + list(PATTERNS).index(kind)}
            loose += value == 0
    assert loose > 100


def test_most_pixels_of_a_region_are_far_from_its_marker() -> None:
    for pair in pairs("train", 20, regions=1, clutter=0):
        inside = np.argwhere(pair.label > 0)
        reach = np.linalg.norm(inside - inside.mean(axis=0), axis=1).max()
        assert reach > 12


def test_clutter_zero_leaves_no_void() -> None:
    assert all((pair.label < VOID).all() for pair in pairs("train", 10, clutter=0))


@pytest.mark.parametrize("kind", PATTERNS)
@pytest.mark.parametrize("side", [5, 9, 12])
def test_markers_are_their_own_mirror_image_and_differ(kind: str, side: int) -> None:
    pattern = marker(kind, side)
    assert np.array_equal(pattern, pattern[:, ::-1])
    others = [marker(other, side) for other in PATTERNS if other != kind]
    assert all((pattern != other).mean() > 0.1 for other in others)


@settings(max_examples=25, deadline=None)
@given(
    size=st.integers(32, 100),
    regions=st.integers(1, 8),
    marker=st.integers(5, 16),
    detail=st.floats(0, 0.5),
    clutter=st.integers(0, 5),
    noise=st.floats(0, 0.5),
    lighting=st.floats(0, 1),
)
def test_every_difficulty_gives_legal_images(size: int, **knobs: float) -> None:
    (pair,) = pairs("val", 1, size=size, **knobs)
    assert pair.image.shape == (size, size, 3) and pair.image.dtype == np.uint8
    assert pair.label.shape == (size, size) and pair.label.dtype == np.uint8
    assert ((pair.label <= len(PATTERNS)) | (pair.label == VOID)).all()
