"""What a run will cost, before it is run: parameters, operations of a training step, minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from torch.utils.flop_counter import FlopCounterMode

from difnet.config import RunConfig, training_steps
from difnet.data import PreparedData, load_prepared
from difnet.data.batches import training_batches
from difnet.models import build_from_config, parameter_count
from difnet.timing.protocol import seconds
from difnet.training import choose_device, make_optimiser, memory_format, training_step, use_threads

WARM_UP, TIMED = 2, 5
"""Steps of the reference by which the machine's rate is measured."""


@dataclass(frozen=True)
class Cost:
    """Cost of one run."""

    parameters: int
    gflop_step: float
    """10^9 floating-point operations of a training step, on a whole batch."""
    minutes: float
    """Of the training on this machine with nothing else running; 0 where nothing is trained."""


def estimate_costs(runs: Sequence[RunConfig], *, data: Path) -> list[Cost]:
    """Estimate the cost of runs.

    Operations are counted in the matrix products and convolutions of a step on one image, times the batch;
    they take as long as the same number takes in a step of the first run that is trained, timed a few times.

    Args:
        runs: One run of each variant, the reference first.
        data: Folder of the prepared data set.

    Returns:
        One cost a run.
    """
    prepared = load_prepared(data)
    device = choose_device().type
    counts = [_count(run, prepared, device) for run in runs]
    timed = next((position for position, run in enumerate(runs) if training_steps(run)), None)
    minutes_per_operation = 0.0
    if timed is not None:
        minutes_per_operation = _step_seconds(runs[timed], prepared, device) / 60 / counts[timed][1]
    return [
        Cost(parameters, operations / 1e9, training_steps(run) * operations * minutes_per_operation)
        for run, (parameters, operations) in zip(runs, counts, strict=True)
    ]


def _step_seconds(run: RunConfig, prepared: PreparedData, device: str) -> float:
    """Wall time of a training step on a whole batch."""
    use_threads(run.train.threads)
    step, _ = _step(run, prepared, device, images=run.train.batch_size)
    for _ in range(WARM_UP):
        step()
    return median(seconds(step, device) for _ in range(TIMED))


def _count(run: RunConfig, prepared: PreparedData, device: str) -> tuple[int, int]:
    """Parameters, and operations of a training step."""
    if run.model.name == "pixel_prior":
        return 0, 0
    step, parameters = _step(run, prepared, device, images=1)
    with FlopCounterMode(display=False) as counter:
        step()
    return parameters, counter.get_total_flops() * run.train.batch_size


def _step(
    run: RunConfig, prepared: PreparedData, device: str, *, images: int
) -> tuple[Callable[[], object], int]:
    """A training step on the first images of the run, and the number of parameters that it trains."""
    model = run.model.model_copy(update={"weights": None})
    network = build_from_config(model, len(prepared.index.classes)).to(device).train()
    layout = memory_format(run.train)
    network.to(memory_format=layout)
    optimiser = make_optimiser(network, run.train)
    batch = next(training_batches(prepared.split("train"), run))
    some = batch.images[:images].to(device, memory_format=layout)
    labels = batch.labels[:images].to(device)

    def step() -> object:
        return training_step(network, optimiser, some, labels, step=0, train=run.train)

    return step, parameter_count(network)
