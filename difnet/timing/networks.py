"""Timing of whole networks at the size of a benchmark's images: the `model:VARIANT` rows of timing.csv.

The repeats go round all variants in turn, so that a slow spell of the machine meets all of them.

B batch, H W image size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from difnet.config import RunConfig, TimingConfig
from difnet.data import PreparedData, load_prepared
from difnet.data.batches import training_batches
from difnet.models import Prediction
from difnet.timing.cells import COLUMNS, DOES_NOT_FIT, NO_COUNTER
from difnet.timing.protocol import OUT_OF_MEMORY, median_interval, peak_memory, seconds
from difnet.timing.step import TrainingStep
from difnet.training import choose_device, trains_in_bf16, use_threads


@dataclass
class _Measurement:
    """One metric of one variant: its call, the number behind a call's seconds or bytes, the samples."""

    labels: dict[str, object]
    call: Callable[[], object]
    sample: Callable[[Callable[[], object], str], float | None]
    samples: list[float] = field(default_factory=list)
    status: str = "ok"

    def take(self, device: str, *, record: bool) -> None:
        """Measure one call; running out of memory becomes the status."""
        if self.status != "ok":
            return
        try:
            value = self.sample(self.call, device)
        except OUT_OF_MEMORY:
            self.status = DOES_NOT_FIT
            return
        if value is None:
            self.status = NO_COUNTER
        elif record:
            self.samples.append(value)

    def row(self) -> dict[str, object]:
        """The row of timing.csv: median with interval, or why there is none."""
        value = low = high = float("nan")
        if self.status == "ok":
            value, low, high = median_interval(self.samples)
        return {**self.labels, "value": value, "ci_low": low, "ci_high": high, "status": self.status}


def time_networks(runs: Sequence[RunConfig], config: TimingConfig, *, data: Path) -> pd.DataFrame:
    """Time inference and a training step of every variant that is trained.

    Metrics: latency_ms (forward, one image), images_per_s (forward, a batch), train_step_ms (a batch) and
    peak_memory_mb (a training step, above what was held before; 10^6 bytes).

    Args:
        runs: One run of each variant.
        config: Repeats, warm-up and threads.
        data: Folder of the prepared data set; its first training batch is used.

    Returns:
        The columns of timing.csv, with the nodes of the variant's grid.
    """
    use_threads(config.threads)
    device = choose_device().type
    prepared = load_prepared(data)
    measurements = [measurement for run in runs for measurement in _measurements(run, prepared, device)]
    for repeat in range(config.warmup + config.repeats):
        for measurement in measurements:
            measurement.take(device, record=repeat >= config.warmup)
    return pd.DataFrame([measurement.row() for measurement in measurements], columns=COLUMNS)


def _measurements(run: RunConfig, prepared: PreparedData, device: str) -> Iterator[_Measurement]:
    if run.model.name == "pixel_prior":
        return
    classes = len(prepared.index.classes)
    step = TrainingStep(run, classes)
    images, labels = step.inputs(next(training_batches(prepared.split("train"), run)))
    one, size = images[:1], len(images)
    train = partial(step, images, labels)
    shared = {
        "subject": f"model:{run.variant}",
        "device": device,
        "nodes": _forward(step.network, one).logits.shape[2:].numel(),
        "classes": classes,
    }
    trained = "bfloat16" if trains_in_bf16(run.train) else "float32"
    for metric, dtype, number, call, sample in (
        ("latency_ms", "float32", 1, partial(_forward, step.network, one), _milliseconds),
        ("images_per_s", "float32", size, partial(_forward, step.network, images), partial(_rate, size)),
        ("train_step_ms", trained, size, train, _milliseconds),
        ("peak_memory_mb", trained, size, train, _megabytes),
    ):
        yield _Measurement({**shared, "dtype": dtype, "batch": number, "metric": metric}, call, sample)


@torch.inference_mode()
def _forward(network: nn.Module, images: Tensor) -> Prediction:
    """(B, 3, H, W) -> Prediction, as in evaluation."""
    prediction: Prediction = network.eval()(images)
    return prediction


def _milliseconds(call: Callable[[], object], device: str) -> float:
    return 1e3 * seconds(call, device)


def _rate(count: int, call: Callable[[], object], device: str) -> float:
    return count / seconds(call, device)


def _megabytes(call: Callable[[], object], device: str) -> float | None:
    peak = peak_memory(call, device)
    return None if peak is None else peak / 1e6
