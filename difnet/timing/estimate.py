"""What a run will cost, before it is run: parameters, operations and memory of a training step, time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import torch

from difnet.config import BenchmarkPlan, DataConfig, InputError, RunConfig, training_steps
from difnet.data import open_dataset
from difnet.data.files.problems import FileError
from difnet.machine.progress import Progress
from difnet.timing.measured_steps import MeasuredSteps, measured_steps
from difnet.timing.protocol import seconds
from difnet.timing.step_cost import StepCost, step_cost
from difnet.timing.training_step import TrainingStep
from difnet.training import choose_device, use_threads

REFERENCE_GPU = "NVIDIA A100 80 GB"
OPERATIONS_PER_S = {"bf16": 60e12, "fp32": 11e12}
"""Of the reference GPU. bf16: as published by NVIDIA for training ResNet-50 in PyTorch, 2,470 images/s of
24.5 GFLOP each, 19% of its peak. fp32, which is IEEE's here: 57% of its peak, as published for a V100."""
HALF_COPY = 2
"""Bytes of the copy of a weight in bfloat16."""
WARM_UP, TIMED = 1, 3
"""Steps by which the rate of this machine is measured."""
MOST_OPERATIONS = {"cpu": 1e10, "cuda": 4e12}
"""Of such a step by device: it takes fewer images than a batch, or a smaller one, to be short and to fit."""
SMALLEST = 65
"""Side in pixels that an image is not made smaller than for it."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Cost:
    """Cost of one run."""

    parameters: int
    gflop_step: float
    """10^9 floating-point operations of a training step, on a whole batch."""
    memory_gb: float
    """10^9 bytes of a training step on the reference GPU: weights, gradients, momentum, and what the batch
    keeps for the backward pass."""
    minutes: float
    """Of the training on this machine with nothing else running; 0 where nothing is trained."""
    gpu_hours: float
    """Of the training on the GPU."""
    gpu: str = REFERENCE_GPU
    measured: bool = False
    """Whether the hours are those of steps that were taken on it; else they follow from the operations."""


def estimate_costs(
    runs: Sequence[RunConfig], *, results: Path, classes: int | None = None, here: bool = True
) -> list[Cost]:
    """Estimate the cost of runs; one image is read where neither a crop nor `data.size` says how large it is.

    Args:
        runs: One run of each variant, the reference first, all on the same data.
        results: Folder of the results; where a run of the same recipe was trained on a GPU, its steps count.
        classes: Number of classes; None for that of the data set.
        here: Whether to take a few steps, for the minutes on this machine; else these are nan.

    Returns:
        One cost a run.

    Raises:
        InputError: If the size of the images or the number of classes is not known.
    """
    count = classes or _class_count(runs[0].data)
    whole = (0, 0) if all(run.train.crop for run in runs) else _image_size(runs[0].data)
    sizes = [(run.train.crop, run.train.crop) if run.train.crop else whole for run in runs]
    with Progress("costs", len(runs), unit="variants") as progress:
        steps = [
            step_cost(
                run.model,
                classes=count,
                size=size,
                half=run.train.precision != "fp32",
                freeze=run.train.freeze,
            )
            for run, size in progress.track(list(zip(runs, sizes, strict=True)))
        ]
    trained = next((place for place, run in enumerate(runs) if training_steps(run)), None)
    pace = 0.0 if here else math.nan
    if here and trained is not None:
        pace = _seconds_per_operation(runs[trained], steps[trained], count, sizes[trained])
    return [
        _cost(run, step, pace, measured_steps(run, results)) for run, step in zip(runs, steps, strict=True)
    ]


def gpu_hours(runs: Sequence[RunConfig], costs: Sequence[Cost], *, seeds: int) -> dict[str, float]:
    """Hours that the trainings of all seeds take in all, by GPU."""
    hours: dict[str, float] = {}
    for run, cost in zip(runs, costs, strict=True):
        if training_steps(run):
            hours[cost.gpu] = hours.get(cost.gpu, 0.0) + seeds * cost.gpu_hours
    return hours


def total(runs: Sequence[RunConfig], costs: Sequence[Cost], *, seeds: int) -> str:
    """One sentence on all runs of a benchmark: hours and memory of the GPU."""
    trained = [cost for run, cost in zip(runs, costs, strict=True) if training_steps(run)]
    memory = max((cost.memory_gb for cost in trained), default=0.0)
    hours = [f"{_short(time)} hours of an {gpu}" for gpu, time in gpu_hours(runs, costs, seeds=seeds).items()]
    return (
        f"Training {len(trained)} variants with {seeds} seeds takes about {' and '.join(hours) or '0 hours'} "
        f"and up to {_short(memory)} GB of its memory (`difnet time --estimate`)."
    )


def check_hours(planned: BenchmarkPlan, runs: Sequence[RunConfig], *, results: Path) -> None:
    """Make sure that somebody wants trainings that take longer than the limit of their benchmark.

    Args:
        planned: Their plan.
        runs: Those of its runs that are to be trained.
        results: Folder of the results.

    Raises:
        InputError: If they take longer and the selection does not say `yes`; it tells how to shorten them.
    """
    if planned.gpu_hours is None or planned.selection.yes:
        return
    costs = estimate_costs(planned.first_runs, results=results, here=False)
    of_variant = dict(zip((variant.name for variant in planned.variants), costs, strict=True))
    hours = gpu_hours(runs, [of_variant[run.variant] for run in runs], seeds=1)
    if sum(hours.values()) > planned.gpu_hours:
        took = " and ".join(f"{_short(time)} hours of an {gpu}" for gpu, time in hours.items())
        many = "1 training takes" if len(runs) == 1 else f"{len(runs)} trainings take"
        raise InputError(
            f"{planned.folder}: {many} about {took}, more than limits.gpu_hours, "
            f"{planned.gpu_hours:g}; say yes (--config yes=true, difnet plan --yes), or shorten them by "
            "seeds=[0], fewer ablations or set=[train.steps=N]"
        )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _cost(run: RunConfig, step: StepCost, pace: float, measured: MeasuredSteps | None) -> Cost:
    """The cost of a run.

    Args:
        run: Its recipe.
        step: Cost of a step on one image.
        pace: Seconds that this machine takes for an operation.
        measured: Steps of the run on a GPU, if there are any.
    """
    single = run.train.precision == "fp32"
    operations = step.operations * run.train.batch_size
    together = math.ceil(run.train.batch_size / run.train.parts)
    bytes_of_weights = step.state + step.parameters * (0 if single else HALF_COPY)
    everything = training_steps(run) * operations
    return Cost(
        parameters=step.parameters,
        gflop_step=operations / 1e9,
        memory_gb=(bytes_of_weights + step.activations * together) / 1e9,
        minutes=everything * pace / 60,
        gpu_hours=training_steps(run) * measured.seconds / 3600
        if measured
        else everything / OPERATIONS_PER_S["fp32" if single else "bf16"] / 3600,
        gpu=measured.gpu if measured else REFERENCE_GPU,
        measured=measured is not None,
    )


def _image_size(config: DataConfig) -> Size:
    """Height and width of the images that training sees whole, by the first of them; nothing is prepared."""
    if config.size is not None:
        return config.size
    try:
        height, width = open_dataset(config).samples()["train"][0].read().label.shape
    except (InputError, FileError) as error:
        raise InputError(
            f"{error}; without the images, set train.crop or data.size, which say how large they are"
        ) from error
    return height, width


def _class_count(config: DataConfig) -> int:
    try:
        return len(open_dataset(config).classes())
    except InputError as error:
        raise InputError(
            f"{error}; without the files, `difnet time --estimate` takes the number of classes as --classes N"
        ) from error


def _seconds_per_operation(run: RunConfig, step: StepCost, classes: int, size: Size) -> float:
    """By a few training steps on random images: fewer than a batch, or smaller ones, if need be."""
    images, most = run.train.batch_size, MOST_OPERATIONS[choose_device().type]
    if step.operations * images > most:
        images = max(1, int(most // step.operations))
        shrink = min(1.0, math.sqrt(most / step.operations))
        size = (_shrunk(size[0], shrink), _shrunk(size[1], shrink))
        step = step_cost(run.model, classes=classes, size=size, half=False, freeze=run.train.freeze)
    use_threads(run.train.threads)
    timed = TrainingStep(run, classes)
    pixels = torch.randn(images, 3, *size, device=timed.device).contiguous(memory_format=timed.layout)
    call = partial(timed, pixels, torch.randint(classes, (images, *size), device=timed.device))
    for _ in range(WARM_UP):
        call()
    times = [_alone(call, timed.device.type, threads=run.train.threads) for _ in range(TIMED)]
    return median(times) / (step.operations * images)


def _alone(call: Callable[[], object], device: str, *, threads: int) -> float:
    """Seconds of a call if nothing else ran; on a CPU, which may be busy, what its threads computed."""
    if device != "cpu":
        return seconds(call, device)
    before = time.process_time()
    call()
    return (time.process_time() - before) / threads


def _shrunk(length: int, factor: float) -> int:
    return min(length, max(SMALLEST, round(factor * length)))
