"""Training and evaluation batches."""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from difnet.config import (
    DataConfig,
    EvaluateConfig,
    InputError,
    ModelConfig,
    RunConfig,
    TrainConfig,
    resolve_run,
)
from difnet.config.schema import IMAGENET
from difnet.data import VOID, Split, SplitIndex, load_prepared, prepare
from difnet.data.augmentation import CAFFE_MEAN, normalise
from difnet.data.batches import AUGMENTATION, Batch, evaluation_batches, training_batch, training_batches
from tests.conftest import CATALOGUE

MEAN, STD = IMAGENET
PLAIN = TrainConfig(batch_size=4, flip=False)
RECIPES = [
    TrainConfig(batch_size=4),
    TrainConfig(batch_size=3, crop=24),
    TrainConfig(batch_size=5, scale=(0.5, 1.4), crop=40),
    TrainConfig(batch_size=16, scale=(0.5, 1.4), crop=21, flip=False),
    TrainConfig(batch_size=5, scale=(0.5, 2.0), crop=40, photometric=True),
]


def make_split(shapes: list[tuple[int, int]], seed: int = 0) -> Split:
    rng = np.random.default_rng(seed)
    pixels = sum(h * w for h, w in shapes)
    names = tuple(f"n{i}" for i in range(len(shapes)))
    index = SplitIndex(names=names, shapes=tuple(shapes), groups=("",) * len(shapes))
    labels = rng.choice(np.array([0, 1, 2, VOID], dtype=np.uint8), pixels)
    return Split(index, images=rng.integers(0, 256, 3 * pixels, dtype=np.uint8), labels=labels)


SPLIT = make_split([(32, 32)] * 11)


def run(train: TrainConfig, seed: int = 0, **model: object) -> RunConfig:
    return RunConfig(
        benchmark="b", variant="v", seed=seed, data=DataConfig(), model=ModelConfig.model_validate(model),
        train=train, evaluate=EvaluateConfig(),
    )  # fmt: skip


def equal(first: Batch, second: Batch) -> bool:
    return (
        first.names == second.names
        and torch.equal(first.images, second.images)
        and torch.equal(first.labels, second.labels)
    )


@pytest.mark.parametrize("train", RECIPES)
def test_shapes_and_types(train: TrainConfig) -> None:
    batch = next(training_batches(SPLIT, run(train)))
    side = train.crop or 32
    assert batch.images.shape == (train.batch_size, 3, side, side)
    assert batch.labels.shape == (train.batch_size, side, side)
    assert batch.images.dtype == torch.float32 and batch.labels.dtype == torch.int64
    assert batch.images.is_contiguous()
    assert set(batch.labels.unique().tolist()) <= {0, 1, 2, VOID}


@settings(max_examples=40, deadline=None)
@given(recipe=st.sampled_from(RECIPES), seed=st.integers(0, 2**31), step=st.integers(0, 12))
def test_resuming_at_any_step_equals_the_uninterrupted_stream(
    recipe: TrainConfig, seed: int, step: int
) -> None:
    uninterrupted = islice(training_batches(SPLIT, run(recipe, seed)), step, step + 2)
    resumed = islice(training_batches(SPLIT, run(recipe, seed), start_step=step), 2)
    assert all(equal(a, b) for a, b in zip(uninterrupted, resumed, strict=True))


@pytest.mark.parametrize("train", [RECIPES[1], RECIPES[4]])
def test_workers_change_nothing(train: TrainConfig) -> None:
    alone = islice(training_batches(SPLIT, run(train), start_step=3), 7)
    random = torch.get_rng_state()
    with_workers = run(train.model_copy(update={"workers": 2}))
    assert all(
        equal(a, b) for a, b in zip(alone, training_batches(SPLIT, with_workers, start_step=3), strict=False)
    )
    assert torch.equal(torch.get_rng_state(), random)


def test_a_batch_by_its_step() -> None:
    batches = islice(training_batches(SPLIT, run(RECIPES[2])), 5)
    assert all(
        equal(batch, training_batch(SPLIT, run(RECIPES[2]), step)) for step, batch in enumerate(batches)
    )


@given(batch_size=st.integers(1, 30), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_every_epoch_shows_every_image_once(batch_size: int, seed: int) -> None:
    split = make_split([(4, 4)] * 11)
    train = TrainConfig(batch_size=batch_size)
    batches = islice(training_batches(split, run(train, seed)), -(-33 // batch_size))
    names = [name for batch in batches for name in batch.names][:33]
    epochs = [names[0:11], names[11:22], names[22:33]]
    assert all(sorted(epoch) == sorted(split.names) for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_batch_size_changes_neither_order_nor_augmentation() -> None:
    by_one = list(
        islice(training_batches(SPLIT, run(RECIPES[2].model_copy(update={"batch_size": 1}), 5)), 20)
    )
    by_five = list(islice(training_batches(SPLIT, run(RECIPES[2], 5)), 4))
    assert torch.equal(torch.cat([b.images for b in by_one]), torch.cat([b.images for b in by_five]))
    assert torch.equal(torch.cat([b.labels for b in by_one]), torch.cat([b.labels for b in by_five]))


def test_seeds_and_epochs_differ() -> None:
    first, second = (next(training_batches(SPLIT, run(PLAIN, seed))) for seed in (0, 1))
    assert first.names != second.names
    train = TrainConfig(batch_size=1, crop=16)
    one = make_split([(32, 32)])
    epochs = list(islice(training_batches(one, run(train)), 4))
    assert not all(torch.equal(epochs[0].images, batch.images) for batch in epochs[1:])


def test_the_order_does_not_depend_on_the_recipe() -> None:
    runs = [run(train.model_copy(update={"batch_size": 4}), 3) for train in RECIPES]
    names = [[batch.names for batch in islice(training_batches(SPLIT, each), 6)] for each in runs]
    assert all(other == names[0] for other in names)


def test_without_augmentation_pixels_are_the_stored_ones() -> None:
    batch = next(training_batches(SPLIT, run(PLAIN)))
    for name, image, label in zip(batch.names, batch.images, batch.labels, strict=True):
        i = SPLIT.names.index(name)
        stored = SPLIT.image(i).transpose(2, 0, 1) / 255.0
        expected = (stored - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
        assert np.allclose(image.numpy(), expected, atol=1e-5)
        assert np.array_equal(label.numpy(), SPLIT.label(i))


@pytest.mark.parametrize("extra", [{}, {"crop": 32}])
def test_caffe_is_bgr_minus_its_mean(extra: dict[str, int]) -> None:
    train = PLAIN.model_copy(update=extra)
    batch = next(training_batches(SPLIT, run(train, normalisation="caffe")))
    same_images = next(training_batches(SPLIT, run(train)))
    assert batch.names == same_images.names
    for name, image in zip(batch.names, batch.images, strict=True):
        red, green, blue = SPLIT.image(SPLIT.names.index(name)).transpose(2, 0, 1).astype(np.float32)
        for channel, pixels, mean in zip(image.numpy(), (blue, green, red), CAFFE_MEAN, strict=True):
            assert np.allclose(channel, pixels - mean, atol=1e-4)
    (first, *_) = evaluation_batches(SPLIT, 4, normalisation="caffe")
    stored = torch.from_numpy(np.stack([SPLIT.image(i) for i in range(4)]))
    assert torch.equal(first.images, normalise(stored, "caffe"))
    assert CAFFE_MEAN == (104.00699, 116.66877, 122.67892)


@pytest.mark.parametrize("extra", [{}, {"crop": 32}])
def test_flips_take_image_and_label_together_half_of_the_time(extra: dict[str, int]) -> None:
    train = TrainConfig(batch_size=11, **extra)
    flipped = []
    for batch in islice(training_batches(SPLIT, run(train, 2)), 20):
        for name, image, label in zip(batch.names, batch.images, batch.labels, strict=True):
            i = SPLIT.names.index(name)
            flip = not np.array_equal(label.numpy(), SPLIT.label(i))
            stored = torch.from_numpy(SPLIT.image(i).copy())[None]
            expected = normalise(stored.flip(2) if flip else stored)[0]
            assert torch.equal(image, expected)
            assert np.array_equal(label.numpy(), SPLIT.label(i)[:, :: -1 if flip else 1])
            flipped.append(flip)
    assert 0.4 < np.mean(flipped) < 0.6


def test_both_paths_flip_the_same_images() -> None:
    """Cropping to the full size changes nothing: the flip is drawn first."""
    whole = next(training_batches(SPLIT, run(TrainConfig(batch_size=11), 2)))
    cropped = next(training_batches(SPLIT, run(TrainConfig(batch_size=11, crop=32), 2)))
    assert equal(whole, cropped)


def test_photometric_changes_the_colours_alone() -> None:
    plain = TrainConfig(batch_size=11, scale=(0.5, 2.0), crop=40)
    recoloured = plain.model_copy(update={"photometric": True})
    first, second = (next(training_batches(SPLIT, run(train))) for train in (plain, recoloured))
    assert first.names == second.names and first.windows == second.windows
    assert torch.equal(first.labels, second.labels)
    changed = (first.pixels != second.pixels).flatten(1).any(1)
    assert 6 <= changed.sum() <= 11
    padding = (first.images == 0).all(1)
    assert padding.any() and (second.images.permute(0, 2, 3, 1)[padding] == 0).all()


def authors_square(image: Any, label: Any, rng: np.random.Generator, side: int) -> tuple[Any, Any, Any]:
    """The augmentation of the authors' code by Pillow, which theirs uses too: image, label, padding."""
    picture, truth = Image.fromarray(image), Image.fromarray(label)
    if rng.random() < 0.5:
        picture, truth = ImageOps.mirror(picture), ImageOps.mirror(truth)
    factor = 0.5 + rng.integers(0, 10) / 10
    size = int(picture.width * factor), int(picture.height * factor)
    scaled = picture.resize(size, Image.Resampling.BILINEAR), truth.resize(size, Image.Resampling.NEAREST)
    places = []
    for length in (size[1], size[0]):
        room = side - length
        offset = int(rng.integers(min(room, 0), max(room, 0))) if room else 0
        places.append(np.arange(side) - offset)  # of the square's pixels in the scaled image
    inside = np.ix_(*((place >= 0) & (place < n) for place, n in zip(places, size[::-1], strict=True)))
    found = np.ix_(*(place[(place >= 0) & (place < n)] for place, n in zip(places, size[::-1], strict=True)))
    square, labels = np.zeros((side, side, 3), np.uint8), np.zeros((side, side), np.uint8)
    square[inside], labels[inside] = np.asarray(scaled[0])[found], np.asarray(scaled[1])[found]
    padding = np.ones((side, side), bool)
    padding[inside] = False
    return square, labels, padding


def test_the_augmentation_of_voc2012_is_that_of_the_authors_code() -> None:
    """The same random draws give the same crops: equal labels, equal colours, black minus the mean around."""
    split = make_split([(40, 60), (48, 48), (90, 33), (96, 120), (50, 50), (330, 340)])
    overrides = ["train.crop=48", "train.batch_size=4", "train.epochs=200"]
    voc = resolve_run(CATALOGUE, benchmark="voc2012", ablation="cascade", seed=3, overrides=overrides)
    seen = {"padded": 0, "cropped": 0}
    for step in range(40):
        batch = training_batch(split, voc, step)
        assert len(batch.names) == (4, 2)[step % 2]  # an epoch is one batch of four and one of what is left
        for place, name in enumerate(batch.names):
            index = split.names.index(name)
            rng = np.random.default_rng([AUGMENTATION, 3, step // 2, index])
            square, labels, padding = authors_square(split.image(index), split.label(index), rng, 48)
            assert np.array_equal(batch.labels[place].numpy(), labels)
            shown = batch.images[place].permute(1, 2, 0).numpy() + np.array(CAFFE_MEAN)
            assert np.abs(shown - square[..., ::-1]).max() < 1e-4
            assert np.abs(shown[padding]).max(initial=0) < 1e-4
            seen["padded" if padding.any() else "cropped"] += 1
    assert min(seen.values()) > 30


def test_epochs_end_with_what_is_left() -> None:
    """Each of the 11 images once in three batches of 4, 4 and 3, in the order of the endless stream."""
    epochs = TrainConfig(batch_size=4, epochs=2)
    batches = [training_batch(SPLIT, run(epochs), step) for step in range(6)]
    assert [len(batch.names) for batch in batches] == [4, 4, 3, 4, 4, 3]
    stream = [batch for step in range(6) for batch in training_batch(SPLIT, run(PLAIN), step).names]
    assert [name for batch in batches for name in batch.names] == stream[:22]


def test_padding_at_a_random_offset() -> None:
    """Anywhere but at the very end; image and label at the same place; nothing else of the batch changes."""
    train = TrainConfig(batch_size=11, crop=36, flip=False, padding_offset="random", padding_colour="black")
    corners = set()
    for step in range(8):
        batch = training_batch(SPLIT, run(train), step)
        for place, (rows, columns) in enumerate(batch.windows):
            index = SPLIT.names.index(batch.names[place])
            corners |= {("top", rows.start), ("left", columns.start)}
            assert np.array_equal(batch.labels[place, rows, columns].numpy(), SPLIT.label(index))
            assert np.array_equal(batch.pixels[place, rows, columns].numpy(), SPLIT.image(index))
            assert (batch.labels[place] == VOID).sum() >= 36**2 - 32**2
    assert corners == {(side, offset) for side in ("top", "left") for offset in range(4)}
    black = -torch.tensor(MEAN) / torch.tensor(STD)
    assert torch.allclose(batch.images[0, :, -1, -1], black, atol=1e-6)


@pytest.mark.parametrize(
    ("digest", "normalisation", "train"),
    [
        ("5c89f65a7356e323", "imagenet", {}),
        ("ed6a5146ab3bcd66", "caffe", {}),
        ("41c500b383cac61e", "imagenet", {"crop": 24}),
        ("8044bbb3547f1c79", "caffe", {"crop": 44, "padding": "background"}),
    ],
)
def test_bits_of_published_recipes(digest: str, normalisation: str, train: dict[str, Any]) -> None:
    """Four batches of seed 3, as they were before images were scaled by parts and recoloured."""
    shape, count = (36, 30), 7
    numbers = np.arange(3 * count * 36 * 30)
    classes = numbers[: len(numbers) // 3] // 7 % 4
    names = tuple(f"n{i}" for i in range(count))
    index = SplitIndex(names=names, shapes=(shape,) * count, groups=("",) * count)
    images = (numbers * numbers // 11 % 256).astype(np.uint8)
    split = Split(index, images=images, labels=np.where(classes == 3, VOID, classes).astype(np.uint8))
    config = run(TrainConfig(batch_size=5, **train), 3, normalisation=normalisation)
    found = hashlib.sha256()
    for step in range(4):
        batch = training_batch(split, config, step)
        found.update(batch.images.numpy().tobytes() + batch.labels.numpy().tobytes())
        found.update(" ".join(batch.names).encode())
    assert found.hexdigest()[:16] == digest


def test_padding_is_mean_and_void() -> None:
    batch = next(training_batches(SPLIT, run(TrainConfig(batch_size=2, crop=48, flip=False))))
    i = SPLIT.names.index(batch.names[0])
    assert np.array_equal(batch.labels[0, :32, :32].numpy(), SPLIT.label(i))
    assert (batch.labels[:, 32:] == VOID).all() and (batch.labels[:, :, 32:] == VOID).all()
    assert (batch.images[:, :, 32:] == 0).all() and (batch.images[:, :, :, 32:] == 0).all()


def test_padding_with_background_changes_the_labels_alone() -> None:
    void = TrainConfig(batch_size=2, crop=48)
    background = void.model_copy(update={"padding": "background"})
    first, second = (next(training_batches(SPLIT, run(train))) for train in (void, background))
    assert torch.equal(first.images, second.images)
    assert (second.labels[:, 32:] == 0).all() and (second.labels[:, :, 32:] == 0).all()
    assert torch.equal(first.labels[:, :32, :32], second.labels[:, :32, :32])
    assert (first.labels[:, :32, :32] == VOID).any()


def test_different_sizes_need_a_crop() -> None:
    mixed = make_split([(32, 32), (32, 40)])
    with pytest.raises(InputError, match=r"set train\.crop"):
        training_batches(mixed, run(PLAIN))
    with pytest.raises(InputError, match=r"set train\.crop"):
        training_batches(SPLIT, run(TrainConfig(scale=(0.5, 1.5))))
    batch = next(training_batches(mixed, run(TrainConfig(batch_size=2, crop=36))))
    assert batch.images.shape == (2, 3, 36, 36)


def test_evaluation_covers_all_in_order_by_size() -> None:
    split = make_split([(8, 8)] * 5 + [(8, 10)] * 2 + [(8, 8)] * 2)
    batches = list(evaluation_batches(split, 3))
    assert [batch.indices for batch in batches] == [[0, 1, 2], [3, 4], [5, 6], [7, 8]]
    for indices, images, labels in batches:
        assert images.shape == (len(indices), 3, *split.shapes[indices[0]])
        assert np.array_equal(labels.numpy(), np.stack([split.label(i) for i in indices]))
        assert torch.equal(images, normalise(torch.from_numpy(np.stack([split.image(i) for i in indices]))))


def test_batches_of_a_prepared_data_set(tmp_path: Path) -> None:
    options = {"train": 6, "val": 2, "test": 1, "size": 32}
    prepare(DataConfig(name="shapes", options=options), tmp_path)
    data = load_prepared(tmp_path)
    batch = next(training_batches(data.split("train"), run(TrainConfig(batch_size=6))))
    assert sorted(batch.names) == sorted(data.split("train").names)
    assert [batch.indices for batch in evaluation_batches(data.split("val"), 16)] == [[0, 1]]
