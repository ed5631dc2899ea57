"""Batches for training and evaluation.

B batch, H x W pixels. The random numbers of an image depend on (seed, epoch, index of the image) only,
and the order of an epoch on (seed, epoch) only, so a run continued at any step sees what an uninterrupted
one sees.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count, groupby
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from difnet.config import RunConfig, TrainConfig
from difnet.data.augmentation import Normalisation, distort_colours, draw_view, normalise, take
from difnet.data.dataset import VOID
from difnet.data.requirements import check_sizes
from difnet.data.store import Split
from difnet.data.tenths import scale_by_tenths

ORDER, AUGMENTATION = 1, 2
"""First word of the seeds of an epoch's order and of an image's augmentation, which keeps them apart."""


class Batch(NamedTuple):
    """Training images as bytes: a quarter of what the networks take, to pass to another device."""

    pixels: Tensor
    """(B, H, W, 3) uint8, RGB."""
    truth: Tensor
    """(B, H, W) uint8, 255 for void."""
    windows: tuple[tuple[slice, slice], ...]
    """Rows and columns of every image; around them is its padding."""
    names: tuple[str, ...]
    normalisation: Normalisation
    padding_colour: Literal["mean", "black"]

    def to(self, device: torch.device | str) -> Batch:
        """The batch on a device, so that it is normalised there."""
        pixels, truth = (part.to(device, non_blocking=True) for part in (self.pixels, self.truth))
        return self._replace(pixels=pixels, truth=truth)

    @property
    def images(self) -> Tensor:
        """(B, 3, H, W) float32, normalised; in the padding 0, or what that makes of black."""
        images = normalise(self.pixels, self.normalisation)
        if self.padding_colour == "mean":
            for image, (rows, columns) in zip(images, self.windows, strict=True):
                image[:, : rows.start] = image[:, rows.stop :] = 0
                image[:, :, : columns.start] = image[:, :, columns.stop :] = 0
        return images

    @property
    def labels(self) -> Tensor:
        """(B, H, W) int64, 255 for void."""
        return self.truth.long()


class EvaluationBatch(NamedTuple):
    """Consecutive images of equal size, unchanged."""

    indices: list[int]
    """Their places in the split."""
    images: Tensor
    """(B, 3, H, W) float32, normalised."""
    labels: Tensor
    """(B, H, W) int64, 255 for void."""


def training_batches(
    split: Split, run: RunConfig, start_step: int = 0, part: tuple[int, int] = (0, 1)
) -> Generator[Batch, None, None]:
    """Augmented batches without end, one permutation of the split after another.

    Where a run asks for workers, so many threads make the batches ahead of the training: reading, resizing
    and copying do not hold Python's lock. Close the iteration to end them.

    Args:
        split: Images to train on.
        run: Its seed, normalisation and recipe; any number of `train.workers` makes the same batches.
        start_step: Step of the first batch; step k takes places k * B to (k + 1) * B - 1 of the stream, with
            `train.epochs` those of them that are left of its permutation.
        part: (r, n) takes the images r, r + n, r + 2 n, ... of every batch, for one of n processes.

    Raises:
        InputError: If the images cannot form batches because their sizes differ and nothing crops them.
    """
    check_sizes(split.shapes, run.train)
    make = partial(training_batch, split, run, part=part)
    if run.train.workers == 0:
        return (make(step) for step in count(start_step))
    return _made_ahead(make, start_step, workers=run.train.workers)


def _made_ahead(
    make: Callable[[int], Batch], start_step: int, *, workers: int
) -> Generator[Batch, None, None]:
    """The batches of a run in their order, of which two for every thread are made or waiting."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")
    ahead: deque[Future[Batch]] = deque()
    try:
        for step in count(start_step):
            ahead.append(pool.submit(make, step))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def training_batch(split: Split, run: RunConfig, step: int, part: tuple[int, int] = (0, 1)) -> Batch:
    """The batch of one step of a run, or a part of it as in `training_batches`."""
    train = run.train
    first, every = part
    draws = _draws(len(split), train, run.seed, step)[first::every]
    height, width = (train.crop, train.crop) if train.crop else split.shapes[0]
    shape, padding = (len(draws), height, width), VOID if train.padding == "void" else 0
    pinned = torch.cuda.is_available()
    pixels = torch.zeros(*shape, 3, dtype=torch.uint8, pin_memory=pinned)
    truth = torch.full(shape, padding, dtype=torch.uint8, pin_memory=pinned)
    windows = []
    for draw, its_pixels, its_truth in zip(draws, pixels.numpy(), truth.numpy(), strict=True):
        image, label, (top, left) = _augmented(split, draw, train)
        window = slice(top, top + label.shape[0]), slice(left, left + label.shape[1])
        its_pixels[window], its_truth[window] = image, label
        windows.append(window)
    return Batch(
        pixels,
        truth,
        windows=tuple(windows),
        names=tuple(split.names[draw.index] for draw in draws),
        normalisation=run.model.normalisation,
        padding_colour=train.padding_colour,
    )


def evaluation_batches(
    split: Split, batch_size: int, *, normalisation: Normalisation = "imagenet"
) -> Iterator[EvaluationBatch]:
    """All images once, in their order; a batch ends where the size changes."""
    for _, group in groupby(range(len(split)), key=lambda i: split.shapes[i]):
        members = list(group)
        for first in range(0, len(members), batch_size):
            indices = members[first : first + batch_size]
            images, labels = _stack(split, indices)
            yield EvaluationBatch(indices, images=normalise(images, normalisation), labels=labels.long())


@dataclass(frozen=True)
class _Draw:
    """One place of the stream: an image and the random numbers for this time."""

    index: int
    rng: np.random.Generator
    flip: bool


def _draws(length: int, train: TrainConfig, seed: int, step: int) -> list[_Draw]:
    """The places of one step in the stream of permutations."""
    draws = []
    for epoch, places in groupby(_places(length, train, step), key=lambda place: place // length):
        order = np.random.default_rng([ORDER, seed, epoch]).permutation(length)
        for place in places:
            index = int(order[place % length])
            rng = np.random.default_rng([AUGMENTATION, seed, epoch, index])
            draws.append(_Draw(index=index, rng=rng, flip=train.flip and rng.random() < 0.5))
    return draws


def _places(length: int, train: TrainConfig, step: int) -> range:
    """Places of the stream that a step takes: the next B, or fewer where an epoch ends with what is left."""
    if train.epochs is None:
        return range(step * train.batch_size, (step + 1) * train.batch_size)
    epoch, batch = divmod(step, train.steps_an_epoch(length))
    first = epoch * length + batch * train.batch_size
    return range(first, min(first + train.batch_size, (epoch + 1) * length))


def _augmented(split: Split, draw: _Draw, train: TrainConfig) -> tuple[Tensor, Tensor, tuple[int, int]]:
    """An image (h, w, 3) and its label (h, w), uint8, without padding, and where they lie in it."""
    if train.scaling == "tenths":
        whole = split.image(draw.index), split.label(draw.index)
        pixels, classes, corner = scale_by_tenths(*whole, train, flip=draw.flip, rng=draw.rng)
        image, label = torch.tensor(pixels), torch.tensor(classes)
    else:
        view = draw_view(split.shapes[draw.index], train, flip=draw.flip, rng=draw.rng)
        image, label = take(split.image(draw.index, view.rows), split.label(draw.index, view.rows), view)
        corner = view.corner
    if train.photometric:
        image = distort_colours(image, draw.rng)
    return image, label, corner


def _stack(split: Split, indices: list[int]) -> tuple[Tensor, Tensor]:
    """Copies of images of equal size, (B, H, W, 3), and of their labels, (B, H, W), uint8."""
    images = np.stack([split.image(index) for index in indices])
    labels = np.stack([split.label(index) for index in indices])
    return torch.from_numpy(images), torch.from_numpy(labels)
