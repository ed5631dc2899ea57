"""Batches for training and evaluation.

B batch, H x W pixels. The random numbers of an image depend on (seed, epoch, index of the image) only,
and the order of an epoch on (seed, epoch) only, so a run continued at any step sees what an uninterrupted
one sees.
"""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from difnet.config import InputError, RunConfig, TrainConfig
from difnet.data.augmentation import Normalisation, crop, normalise, rescale
from difnet.data.dataset import VOID
from difnet.data.store import Split

ORDER, AUGMENTATION = 1, 2
"""First word of the seeds of an epoch's order and of an image's augmentation, which keeps them apart."""


class Batch(NamedTuple):
    """Training images."""

    images: Tensor
    """(B, 3, H, W) float32, normalised."""
    labels: Tensor
    """(B, H, W) int64, 255 for void."""
    names: tuple[str, ...]


class EvaluationBatch(NamedTuple):
    """Consecutive images of equal size, unchanged."""

    indices: list[int]
    """Their places in the split."""
    images: Tensor
    """(B, 3, H, W) float32, normalised."""
    labels: Tensor
    """(B, H, W) int64, 255 for void."""


def training_batches(split: Split, run: RunConfig, start_step: int = 0) -> Generator[Batch, None, None]:
    """Augmented batches without end, one permutation of the split after another.

    Close it, or its worker processes stay as long as anything refers to it.

    Args:
        split: Images to train on.
        run: Its seed, normalisation and recipe; any number of `train.workers` makes the same batches.
        start_step: Step of the first batch; step k takes places k * B to (k + 1) * B - 1 of the stream.

    Raises:
        InputError: If the images cannot form batches because their sizes differ and nothing crops them.
    """
    if run.train.crop is None and run.train.scale is not None:
        raise InputError("train.scale makes images of different sizes; set train.crop as well")
    if run.train.crop is None and len(set(split.shapes)) > 1:
        raise InputError("the images differ in size; set train.crop, or data.size to resize them all")
    loader: DataLoader[Batch] = DataLoader(
        _Stream(split, run),
        sampler=count(start_step),
        batch_size=None,
        collate_fn=_unchanged,
        num_workers=run.train.workers,
        multiprocessing_context="fork" if run.train.workers else None,
        worker_init_fn=_leave_signals_to_the_main_process,
        generator=torch.Generator(),
        pin_memory=torch.cuda.is_available(),
    )
    return _until_closed(loader)


def _until_closed(loader: DataLoader[Batch]) -> Generator[Batch, None, None]:
    """The batches of a loader; its workers, which ignore SIGTERM, end with the iteration or with an error."""
    batches = iter(loader)
    try:
        yield from batches
    finally:
        if loader.num_workers:
            batches._shutdown_workers()  # type: ignore[attr-defined]


def training_batch(split: Split, run: RunConfig, step: int) -> Batch:
    """The batch of one step of a run."""
    draws = _draws(len(split), run.train, run.seed, step)
    if run.train.crop is None:
        images, labels = _whole(split, draws, run.model.normalisation)
    else:
        images, labels = _cropped(split, draws, run.model.normalisation, train=run.train, side=run.train.crop)
    return Batch(images=images, labels=labels, names=tuple(split.names[draw.index] for draw in draws))


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
class _Stream(Dataset[Batch]):
    """The batches of a run by step, as a loader takes them."""

    split: Split
    run: RunConfig

    def __getitem__(self, step: int) -> Batch:
        return training_batch(self.split, self.run, step)


def _unchanged(batch: Any) -> Any:
    return batch


def _leave_signals_to_the_main_process(worker: int) -> None:
    """A signal to the whole process group must not end the workers before the last step is done."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(name, signal.SIG_IGN)


@dataclass(frozen=True)
class _Draw:
    """One place of the stream: an image and the random numbers for this time."""

    index: int
    rng: np.random.Generator
    flip: bool


def _draws(length: int, train: TrainConfig, seed: int, step: int) -> list[_Draw]:
    """The places of one step in the stream of permutations."""
    draws = []
    for epoch, places in groupby(
        range(step * train.batch_size, (step + 1) * train.batch_size), key=lambda place: place // length
    ):
        order = np.random.default_rng([ORDER, seed, epoch]).permutation(length)
        for place in places:
            index = int(order[place % length])
            rng = np.random.default_rng([AUGMENTATION, seed, epoch, index])
            draws.append(_Draw(index=index, rng=rng, flip=train.flip and rng.random() < 0.5))
    return draws


def _whole(split: Split, draws: list[_Draw], normalisation: Normalisation) -> tuple[Tensor, Tensor]:
    """Whole images of equal size, all handled at once."""
    images, labels = _stack(split, [draw.index for draw in draws])
    flips = torch.tensor([draw.flip for draw in draws])
    images[flips] = images[flips].flip(2)
    labels[flips] = labels[flips].flip(2)
    return normalise(images, normalisation), labels.long()


def _cropped(
    split: Split, draws: list[_Draw], normalisation: Normalisation, *, train: TrainConfig, side: int
) -> tuple[Tensor, Tensor]:
    """Rescaled and cropped images, handled one by one."""
    padding = VOID if train.padding == "void" else 0
    images, labels = [], []
    for draw in draws:
        image, label = (pixels[0] for pixels in _stack(split, [draw.index]))
        if draw.flip:
            image, label = image.flip(1), label.flip(1)
        if train.scale is not None:
            image, label = rescale(image, label, factors=train.scale, rng=draw.rng)
        normalised = normalise(image[None], normalisation)[0]
        normalised, label = crop(normalised, label, side=side, padding=padding, rng=draw.rng)
        images.append(normalised)
        labels.append(label)
    return torch.stack(images), torch.stack(labels).long()


def _stack(split: Split, indices: list[int]) -> tuple[Tensor, Tensor]:
    """Copies of images of equal size, (B, H, W, 3), and of their labels, (B, H, W), uint8."""
    images = np.stack([split.image(index) for index in indices])
    labels = np.stack([split.label(index) for index in indices])
    return torch.from_numpy(images), torch.from_numpy(labels)
