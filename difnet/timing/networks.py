"""Timing of whole networks at the size of a benchmark's images: the `model:VARIANT` rows of timing.csv.

The repeats go round all variants in turn, so that a slow spell of the machine meets all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch

from difnet.config import RunConfig, TimingConfig
from difnet.data import PreparedData, load_prepared
from difnet.data.batches import training_batches
from difnet.models import PixelPrior, build_from_config
from difnet.timing.cells import COLUMNS
from difnet.timing.protocol import median_interval, peak_memory, seconds
from difnet.training import choose_device, make_optimiser, memory_format, training_step, trains_in_bf16


@dataclass
class _Measurement:
    """One metric of one variant: its call, the number behind a call's seconds or bytes, the samples."""

    labels: dict[str, object]
    call: Callable[[], object]
    sample: Callable[[Callable[[], object], str], float | None]
    samples: list[float] = field(default_factory=list)

    def take(self, device: str) -> None:
        """Measure one call."""
        value = self.sample(self.call, device)
        if value is not None:
            self.samples.append(value)

    def row(self) -> dict[str, object]:
        """The row of timing.csv: median with interval."""
        if not self.samples:
            nothing = dict.fromkeys(("value", "ci_low", "ci_high"), float("nan"))
            return {**self.labels, **nothing, "status": "not_run (no memory counter on this system)"}
        value, low, high = median_interval(self.samples)
        return {**self.labels, "value": value, "ci_low": low, "ci_high": high, "status": "ok"}


def time_networks(runs: Sequence[RunConfig], config: TimingConfig, *, data: Path) -> pd.DataFrame:
    """Time inference and a training step of every variant that is trained.

    Metrics: latency_ms (forward, one image), images_per_s (forward, a batch), train_step_ms (a batch) and
    peak_memory_mb (a training step, above what was held before; 10^6 bytes).

    Args:
        runs: One run of each variant.
        config: Repeats and warm-up.
        data: Folder of the prepared data set; its first training batch is used.

    Returns:
        The columns of timing.csv, with the nodes of the variant's grid.
    """
    device = choose_device().type
    prepared = load_prepared(data)
    measurements = [measurement for run in runs for measurement in _measurements(run, prepared, device)]
    for repeat in range(config.warmup + config.repeats):
        for measurement in measurements:
            if repeat < config.warmup:
                measurement.call()
            else:
                measurement.take(device)
    return pd.DataFrame([measurement.row() for measurement in measurements], columns=COLUMNS)


def _measurements(run: RunConfig, prepared: PreparedData, device: str) -> Iterator[_Measurement]:
    classes = len(prepared.index.classes)
    network = build_from_config(run.model.model_copy(update={"weights": None}), classes).to(device)
    if isinstance(network, PixelPrior):
        return
    layout = memory_format(run.train)
    network.to(memory_format=layout)
    batch = next(training_batches(prepared.split("train"), run))
    images = batch.images.to(device, memory_format=layout)
    labels = batch.labels.to(device)
    optimiser = make_optimiser(network, run.train)

    def forward(some: torch.Tensor) -> Callable[[], object]:
        @torch.inference_mode()
        def call() -> object:
            return network.eval()(some)

        return call

    def train() -> object:
        return training_step(network.train(), optimiser, images, labels, step=0, train=run.train)

    size = len(images)
    shared = {
        "subject": f"model:{run.variant}",
        "device": device,
        "nodes": network.eval()(images[:1]).logits.shape[2:].numel(),
        "classes": classes,
    }
    trained = "bfloat16" if trains_in_bf16(run.train) else "float32"
    for metric, dtype, number, call, sample in (
        ("latency_ms", "float32", 1, forward(images[:1]), _milliseconds),
        ("images_per_s", "float32", size, forward(images), lambda call, device: size / seconds(call, device)),
        ("train_step_ms", trained, size, train, _milliseconds),
        ("peak_memory_mb", trained, size, train, _megabytes),
    ):
        yield _Measurement({**shared, "dtype": dtype, "batch": number, "metric": metric}, call, sample)


def _milliseconds(call: Callable[[], object], device: str) -> float:
    return 1e3 * seconds(call, device)


def _megabytes(call: Callable[[], object], device: str) -> float | None:
    peak = peak_memory(call, device)
    return None if peak is None else peak / 1e6
