"""A training step of a run: the step itself, and where its time goes (`timing/breakdown.csv`).

B batch, H W image size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile, record_function

from difnet.config import RunConfig, training_steps
from difnet.data import PreparedData, load_prepared
from difnet.data.batches import Batch, training_batches
from difnet.models import build_from_config
from difnet.tables import BREAKDOWN, BreakdownRow
from difnet.timing.protocol import OUT_OF_MEMORY
from difnet.training import choose_device, make_optimiser, memory_format, training_step
from difnet.training.step_memory import check_step

PARTS = ("data", "convolutions", "walks", "rest")
STEPS = 3
BACKWARD = "autograd::engine::evaluate_function"
"""How the profiler names the backward pass of an operation."""


class TrainingStep:
    """The network of a run, in training mode with random weights, on the device that it trains on.

    Args:
        run: Its model and recipe; not `pixel_prior`, which takes no steps.
        classes: C.
    """

    def __init__(self, run: RunConfig, classes: int) -> None:
        self.device = choose_device()
        self.layout = memory_format(run.train)
        network = build_from_config(run.model.model_copy(update={"weights": None}), classes)
        self.network = network.to(self.device).to(memory_format=self.layout)
        self._optimiser = make_optimiser(self.network, run.train)
        self._train = run.train

    def inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Images (B, 3, H, W) and labels (B, H, W) as the step takes them."""
        moved = batch.to(self.device)
        return moved.images.to(memory_format=self.layout), moved.labels

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Take the step and return its loss."""
        return training_step(self.network, self._optimiser, images, labels, step=0, train=self._train)


def training_step_breakdown(runs: Sequence[RunConfig], *, data: Path) -> pd.DataFrame:
    """Profile some training steps of every variant that is trained.

    Every operation counts once, without those that it calls: as a walk inside the diffusion rule, forward or
    backward; as a convolution by its name; as data while a batch is read and augmented.

    Args:
        runs: One run of each variant.
        data: Folder of the prepared data set.

    Returns:
        The columns of breakdown.csv, a mean over three steps; no rows of a variant whose step does not fit
        into memory.
    """
    prepared = load_prepared(data)
    rows = []
    for run in runs:
        if training_steps(run) == 0:
            continue
        try:
            device, times = _profiled(run, prepared)
        except OUT_OF_MEMORY:
            continue
        total = sum(times.values())
        rows += [
            BreakdownRow(run.variant, device, part, ms=times[part], share=times[part] / total)
            for part in PARTS
        ]
    return BREAKDOWN.frame(rows)


def _profiled(run: RunConfig, prepared: PreparedData) -> tuple[str, dict[str, float]]:
    """Device, and milliseconds of each part of a step."""
    check_step(run, prepared.index)
    step = TrainingStep(run, len(prepared.index.classes))
    _mark_walks(step.network)
    batches = training_batches(prepared.split("train"), run)

    def take() -> None:
        with record_function("part: data"):
            images, labels = step.inputs(next(batches))
        step(images, labels)

    take()
    on_gpu = step.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as profiler:
        for _ in range(STEPS):
            take()
    batches.close()
    return step.device.type, _times(profiler.events() or [], on_gpu=on_gpu)


def _mark_walks(network: nn.Module) -> None:
    """Name the passes of the diffusion rule in the profile."""
    rule = getattr(network, "diffusion", None)
    if not isinstance(rule, nn.Module):
        return
    forward = rule.forward

    def marked(*arguments: Any) -> Any:
        with record_function("part: walks"):
            return forward(*arguments)

    rule.forward = marked


def _times(events: Iterable[Any], *, on_gpu: bool) -> dict[str, float]:
    """Milliseconds of each part of one step: the events' own time, on a GPU that of their kernels."""
    events = list(events)
    walked = {
        event.sequence_nr for event in events if event.sequence_nr >= 0 and _within(event, "part: walks")
    }
    times = dict.fromkeys(PARTS, 0.0)
    for event in events:
        own = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        times[_part(event, walked)] += own / 1e3 / STEPS
    return times


def _part(event: Any, walked: set[int]) -> str:
    """The part that an event belongs to, by what it is called in."""
    if _within(event, "part: data"):
        return "data"
    ancestors = [event, *_ancestors(event)]
    backward = [item for item in ancestors if item.name.startswith(BACKWARD)]
    if _within(event, "part: walks") or any(item.sequence_nr in walked for item in backward):
        return "walks"
    return "convolutions" if any("convolution" in item.name.lower() for item in ancestors) else "rest"


def _within(event: Any, name: str) -> bool:
    return any(item.name == name for item in [event, *_ancestors(event)])


def _ancestors(event: Any) -> list[Any]:
    """The events that called it, the nearest first."""
    found = []
    while (event := event.cpu_parent) is not None:
        found.append(event)
    return found
