"""Timing of whole networks at the size of a benchmark's images: the `model:VARIANT` rows of timing.csv.

The repeats go round all variants in turn, so that a slow spell of the machine meets all of them.

B batch, H W image size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from difnet.config import RunConfig, TimingConfig
from difnet.data import PreparedData, load_prepared
from difnet.data.batches import training_batches
from difnet.models import Prediction
from difnet.tables import NETWORK, TIMING
from difnet.timing.foreign_load import ForeignLoad
from difnet.timing.protocol import MEMORY, Call, Measurement, status_of
from difnet.timing.training_step import TrainingStep
from difnet.training import choose_device, trains_in_bf16, use_threads
from difnet.training.step_memory import check_step


def time_networks(runs: Sequence[RunConfig], config: TimingConfig, *, data: Path) -> pd.DataFrame:
    """Time inference and a training step of every variant that is trained.

    Metrics: latency_ms (forward, one image), images_per_s (forward, a batch), train_step_ms (a batch) and
    peak_memory_mb (a training step with its gradients, above weights and momentum; 10^6 bytes).

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
    load = ForeignLoad()
    for repeat in range(config.warmup + config.repeats):
        for measurement in measurements:
            if measurement.metric != MEMORY:
                measurement.take(record=repeat >= config.warmup)
    share = load.share()
    for measurement in measurements:
        measurement.finish(share)
    return TIMING.frame(measurement.row() for measurement in measurements)


def _measurements(run: RunConfig, prepared: PreparedData, device: str) -> Iterator[Measurement]:
    """Those of one variant; one whose network cannot be made ready has a status and no call."""
    if run.model.name == "pixel_prior":
        return
    classes, size = len(prepared.index.classes), run.train.batch_size
    calls: dict[str, tuple[Call, Call]] = {}
    nodes, status = 0, "ok"
    try:
        nodes, calls = _calls(run, prepared)
    except (RuntimeError, MemoryError, ValueError) as error:
        status = status_of(error)
    trained = torch.bfloat16 if trains_in_bf16(run.train) else torch.float32
    for metric, dtype, batch in (
        ("latency_ms", torch.float32, 1),
        ("images_per_s", torch.float32, size),
        ("train_step_ms", trained, size),
        (MEMORY, trained, size),
    ):
        call, ready = calls.get(metric, (None, None))
        yield Measurement(
            name=f"{NETWORK}{run.variant}",
            device=device,
            dtype=dtype,
            nodes=nodes,
            classes=classes,
            batch=batch,
            metric=metric,
            call=call,
            ready=ready,
            status=status,
        )


def _calls(run: RunConfig, prepared: PreparedData) -> tuple[int, dict[str, tuple[Call, Call]]]:
    """Number of nodes; for each metric what is called, and what before it, untimed."""
    check_step(run, prepared.index)
    step = TrainingStep(run, len(prepared.index.classes))
    images, labels = step.inputs(next(training_batches(prepared.split("train"), run)))
    one = images[:1]
    nodes = _forward(step.network.eval(), one).logits.shape[2:].numel()
    train = partial(step, images, labels)

    def without_gradients() -> None:
        step.network.train().zero_grad(set_to_none=True)

    return nodes, {
        "latency_ms": (partial(_forward, step.network, one), step.network.eval),
        "images_per_s": (partial(_forward, step.network, images), step.network.eval),
        "train_step_ms": (train, step.network.train),
        MEMORY: (train, without_gradients),
    }


@torch.inference_mode()
def _forward(network: nn.Module, images: Tensor) -> Prediction:
    """(B, 3, H, W) -> Prediction, by a network in evaluation mode."""
    prediction: Prediction = network(images)
    return prediction
