"""What runs ask of their data, from the first step to the last score: checked before any of it is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil

from difnet.config import InputError, RunConfig, TrainConfig, nearest
from difnet.data.files.tree import MissingDataError
from difnet.data.prepare.sources import listed, read_sources
from difnet.data.store import DataIndex, SplitIndex, read_index

Size = tuple[int, int]
SMALLEST = 4
"""Side in pixels. Smaller images are feature maps of one pixel before a convolution of stride 2, of which
PyTorch gives gradients in bfloat16 from memory that nobody has written."""
IMAGE_BYTES = 12
"""Of a pixel of a batch: three channels in fp32."""


def check_planned(runs: Sequence[RunConfig], directory: Path) -> None:
    """Check the runs of one benchmark, as far as can be told without reading images.

    Args:
        runs: All of the same data.
        directory: The store of their data, which need not be there.

    Raises:
        InputError: If the data is there, and is not valid or lacks what a run needs.
    """
    config = runs[0].data
    try:
        samples, listing = listed(config)
    except MissingDataError:  # it may be downloaded, or mounted where the jobs run
        return
    former = read_sources(directory)
    if former and (directory / "index.json").exists() and former.same_data(listing, samples):
        index = read_index(directory)
        for run in runs:
            check_run(run, index)
    for run in runs:
        _check_split(run, config.name, list(samples))


def check_run(run: RunConfig, index: DataIndex) -> None:
    """Check that a run can be trained on its data, and scored.

    Raises:
        InputError: If not, with the key of the configuration and the remedy.
    """
    _check_split(run, index.name, list(index.splits))
    check_sizes(index.splits["train"].shapes, run.train)
    check_epochs(len(index.splits["train"].names), run.train)
    if run.evaluate.pad is not None:
        check_padding(index.splits[run.evaluate.split], run.evaluate.pad)


def check_memory(run: RunConfig, index: DataIndex) -> None:
    """Check that the images of one batch fit into the memory of this machine; the network takes more.

    Raises:
        InputError: If not, with the key, what it asks for and what there is.
    """
    there = psutil.virtual_memory().total
    train, scored = index.splits["train"].shapes, index.splits[run.evaluate.split].shapes
    side, seen = run.train.crop, max(h * w for h, w in scored)
    for key, count, pixels in (
        ("train", run.train.batch_size, side**2 if side else max(h * w for h, w in train)),
        ("evaluate", min(run.evaluate.batch_size, len(scored)), seen * max(run.evaluate.scales) ** 2),
    ):
        needed = count * pixels * IMAGE_BYTES
        if needed > there:
            raise InputError(
                f"{key}.batch_size: the images of one batch take {needed / 2**30:,.0f} GiB, this machine has "
                f"{there / 2**30:,.0f}; lower it{', or train.crop' if key == 'train' and side else ''}"
                f"{', or evaluate.scales' if key == 'evaluate' else ''}"
            )


def _check_split(run: RunConfig, data: str, known: list[str]) -> None:
    split = run.evaluate.split
    if split not in known:
        add = f"name its images in {split}.txt" if data == "folder" else "add its images"
        raise InputError(
            f"evaluate.split: data set '{data}' has no split '{split}'{nearest(split, known)}; set it to one "
            f"that is there, or {add}"
        )


def check_sizes(shapes: Sequence[Size], train: TrainConfig) -> None:
    """Check that images (height, width) form batches.

    Raises:
        InputError: If they differ in size and nothing crops them, or are too small for the network.
    """
    side = train.crop or min(map(min, shapes))
    if side < SMALLEST:
        raise InputError(
            f"train.crop: images of {side} pixels are too small for the network; set it to at least "
            f"{SMALLEST}"
        )
    if train.crop is None and train.scale is not None:
        raise InputError("train.scale makes images of different sizes; set train.crop as well")
    if train.crop is None and len(set(shapes)) > 1:
        raise InputError("the images differ in size; set train.crop, or data.size to resize them all")


def check_epochs(images: int, train: TrainConfig) -> None:
    """Check that the steps are the passes over the training images that `train.epochs` asks for.

    Raises:
        InputError: If not, with the number of steps that would be.
    """
    if train.epochs is None:
        return
    each = train.steps_an_epoch(images)
    if train.steps != train.epochs * each:
        raise InputError(
            f"train.steps: {train.steps:,} are not train.epochs, {train.epochs} epochs of {each} steps "
            f"({images:,} images in batches of {train.batch_size}); set it to {train.epochs * each}, or "
            "train.epochs to null"
        )


def check_padding(split: SplitIndex, size: Size) -> None:
    """Check that every image of a split fits into its padding.

    Args:
        split: Images to be scored.
        size: Height and width of the padded image.

    Raises:
        InputError: If one does not, with its name and the size that all fit into.
    """
    largest = [max(lengths) for lengths in zip(*split.shapes, strict=True)]
    for name, shape in zip(split.names, split.shapes, strict=True):
        if any(length > room for length, room in zip(shape, size, strict=True)):
            raise InputError(
                f"evaluate.pad: {name} has {shape[0]} x {shape[1]} pixels (height x width) and does not fit "
                f"into {size[0]} x {size[1]}; set it to at least {largest}, or data.size to resize all images"
            )
