"""Time reading and augmenting CamVid with and without the prepared store.

All make the same batches of the paper's recipe (16 images, flip, scale 0.5 to 1.4, crop 321), which is
checked: one reads decoded pixels from the store, one decodes frames and labels each time with Pillow, one
does so with the same frames saved as PNG. They are timed in turn, and the ratio is taken within each round.

Example: DIFNET_DATA=~/data python scripts/benchmark_data.py
"""

from __future__ import annotations

import argparse
import platform
from collections import deque
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from difnet.config import Project, RunConfig, resolve_run
from difnet.config.files import write_text
from difnet.data import VOID, Split, load_prepared, prepare
from difnet.data.batches import training_batch, training_batches
from difnet.data.dataset import Pixels
from difnet.data.datasets.camvid import VOID_IN_FILES
from difnet.data.files.tree import locate
from difnet.data.store import ALL
from difnet.models import build_from_config
from difnet.timing.protocol import median_interval, seconds
from difnet.training import choose_device, make_optimiser, memory_format, training_step, use_threads

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
START, END = "<!-- data: start -->", "<!-- data: end -->"
STORE = "store"
WARM_UP = 6
"""Batches before the clock starts: more than two workers make ahead."""
ROUND = 20
"""Batches that the workers make in a round."""


def main() -> None:
    """Measure and replace what is between the markers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batches", type=int, default=40, help="batches of one thread, one a round")
    parser.add_argument("--rounds", type=int, default=7, help="rounds with workers")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--step-images", type=int, default=4, help="images of the step, scaled to a batch")
    parser.add_argument("--threads", type=int, default=2, help="of the step; reading takes one a worker")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    run = recipe(workers=0)
    with TemporaryDirectory() as folder:
        prepare(run.data, Path(folder, "store"))
        splits = paths(run, Path(folder))
        classes = len(load_prepared(Path(folder, "store")).index.classes)
        use_threads(1)
        alone = one_thread(splits, run, options.batches)
        workers = with_workers(splits, recipe(options.workers), options.rounds)
        normalising = normalisation_ms(splits[STORE], run)
        use_threads(options.threads)
        step_ms = training_step_ms(splits[STORE], run, classes=classes, images=options.step_images)
    batch_ms = 1e3 * median_interval(alone[STORE])[0]
    lines = [
        f"CamVid train, batches of {run.train.batch_size}, flip, scale 0.5 to 1.4, crop 321, files in the",
        f"page cache; {options.batches} rounds in one thread and",
        f"{options.rounds} with workers; medians, 95% intervals in brackets; {platform.machine()},",
        f"torch {torch.__version__}. Regenerate with `python scripts/benchmark_data.py`.",
        "",
        "| frames | threads | decoded each time, images/s | from the store, images/s | ratio |",
        "|---|---|---|---|---|",
        *table(alone, images=run.train.batch_size, threads="the training's own"),
        *table(workers, images=ROUND * run.train.batch_size, threads=f"{options.workers} workers"),
        "",
        f"A batch takes {batch_ms:.1f} ms from the store and {normalising:.1f} ms to be normalised on",
        f"the CPU, {100 * (batch_ms + normalising) / step_ms:.2f}% of a training step of difnet-18 on it:",
        f"{step_ms:.0f} ms, scaled from {options.step_images} images ({options.threads} threads,",
        f"{choose_device().type}).",
    ]
    print("\n".join(lines))
    if not options.dry:
        before, _, after = DOCUMENT.read_text(encoding="utf-8").partition(START)
        write_text(DOCUMENT, "\n".join([f"{before}{START}", *lines, f"{END}{after.partition(END)[2]}"]))


def recipe(workers: int) -> RunConfig:
    """The recipe of the paper on CamVid at full size."""
    overrides = [
        "data.size=null",
        "model.name=difnet-18",
        "train.batch_size=16",
        "train.scale=[0.5, 1.4]",
        "train.crop=321",
        f"train.workers={workers}",
    ]
    return resolve_run(Project(), benchmark="camvid-cpu", ablation="cascade", seed=0, overrides=overrides)


class Decoded(Split):
    """The images of a split, decoded from their files each time, unchecked."""

    def __init__(self, split: Split, frames: Path, suffix: str) -> None:
        """Take names and shapes from a split, and the frames from files FRAMES/NAME.SUFFIX."""
        self.names, self.shapes, self.frames, self.suffix = split.names, split.shapes, frames, suffix

    def image(self, i: int, rows: slice = ALL) -> Pixels:
        """Decode a frame."""
        with Image.open(self.frames / f"{self.names[i]}{self.suffix}") as image:
            return np.asarray(image.convert("RGB"))[rows]

    def label(self, i: int, rows: slice = ALL) -> Pixels:
        """Decode a label."""
        with Image.open(locate("CamVid") / "trainannot" / f"{self.names[i]}.png") as image:
            label = np.array(image)[rows]
        label[label == VOID_IN_FILES] = VOID
        return label


def paths(run: RunConfig, folder: Path) -> dict[str, Split]:
    """The split from the store, from its files, and from frames saved as PNG; all make equal batches."""
    split = load_prepared(folder / "store").split("train")
    frames = locate("CamVid") / "train"
    suffix = next(frames.glob(f"{split.names[0]}.*")).suffix
    splits = {STORE: split, f"as they are ({suffix})": Decoded(split, frames, suffix)}
    for name in split.names:
        Image.open(frames / f"{name}{suffix}").save(folder / f"{name}.png")
    splits["saved as .png"] = Decoded(split, folder, ".png")
    expected = training_batch(split, run, 0)
    for other in splits.values():
        batch = training_batch(other, run, 0)
        assert torch.equal(batch.images, expected.images) and torch.equal(batch.labels, expected.labels)
    return splits


def one_thread(splits: dict[str, Split], run: RunConfig, batches: int) -> dict[str, list[float]]:
    """Seconds of every batch, by path."""
    times: dict[str, list[float]] = {path: [] for path in splits}
    for step in range(WARM_UP + batches):
        for path, split in splits.items():
            times[path].append(seconds(partial(training_batch, split, run, step), "cpu"))
    return {path: values[WARM_UP:] for path, values in times.items()}


def with_workers(splits: dict[str, Split], run: RunConfig, rounds: int) -> dict[str, list[float]]:
    """Seconds of 20 batches from workers, by path."""
    times: dict[str, list[float]] = {path: [] for path in splits}
    for _ in range(rounds):
        for path, split in splits.items():
            with closing(training_batches(split, run)) as batches:
                deque(islice(batches, WARM_UP), maxlen=0)
                times[path].append(seconds(partial(deque, islice(batches, ROUND), maxlen=0), "cpu"))
    return times


def normalisation_ms(split: Split, run: RunConfig) -> float:
    """Milliseconds from the bytes of a batch to what the network and the loss take."""
    batch = training_batch(split, run, 0)
    return median_interval([1e3 * seconds(lambda: (batch.images, batch.labels), "cpu") for _ in range(15)])[0]


def training_step_ms(split: Split, run: RunConfig, *, classes: int, images: int) -> float:
    """Milliseconds of a training step on a whole batch, scaled from a part of one."""
    device, layout = choose_device(), memory_format(run.train)
    network = build_from_config(run.model, classes).to(device).to(memory_format=layout).train()
    optimiser = make_optimiser(network, run.train)
    batch = training_batch(split, run, 0)
    some = batch.images[:images].to(device, memory_format=layout)
    labels = batch.labels[:images].to(device)

    def step() -> object:
        return training_step(network, optimiser, some, labels, step=0, train=run.train)

    step()
    times = [1e3 * seconds(step, device.type) for _ in range(5)]
    return median_interval(times)[0] * run.train.batch_size / images


def table(times: dict[str, list[float]], *, images: int, threads: str) -> list[str]:
    """One row for every kind of frames."""
    rows = []
    store = median_interval(times[STORE])[0]
    for path in list(times)[1:]:
        ratio, low, high = median_interval([a / b for a, b in zip(times[path], times[STORE], strict=True)])
        decoded = median_interval(times[path])[0]
        rows.append(
            f"| {path} | {threads} | {images / decoded:.0f} | {images / store:.0f} "
            f"| {ratio:.1f} ({low:.1f} to {high:.1f}) |"
        )
    return rows


if __name__ == "__main__":
    main()
