"""A training step of a run: the step itself, and where its time goes (`timing/breakdown.csv`).

B batch, H W image size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile, record_function

from difnet.config import RunConfig, RunError, training_steps
from difnet.data import PreparedData, load_prepared
from difnet.data.batches import Batch, training_batches
from difnet.machine.progress import say
from difnet.models import build_from_config
from difnet.models.backbone import freeze_backbones
from difnet.tables import BREAKDOWN, BreakdownRow
from difnet.timing.protocol import status_of
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
        freeze_backbones(self.network, run.train.freeze, remember=run.train.two_views)
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
    backward; as a convolution by its name; as data while a batch is read and augmented. On a GPU that is the
    time of its kernels, and data also that in which the GPU has nothing to do until the next batch comes.

    Args:
        runs: One run of each variant.
        data: Folder of the prepared data set.

    Returns:
        The columns of breakdown.csv, a mean over three steps; no rows of a variant whose step fails or has no
        kernel that the profiler sees, which is said.
    """
    prepared = load_prepared(data)
    rows = []
    for run in runs:
        if training_steps(run) == 0:
            continue
        try:
            device, times = _profiled(run, prepared)
        except (RuntimeError, MemoryError, ValueError) as error:
            say(f"warning: {BREAKDOWN.name} lacks {run.variant}: {status_of(error)}")
            continue
        total = sum(times.values())
        rows += [
            BreakdownRow(run.variant, device, part, ms=times[part], share=times[part] / total)
            for part in PARTS
        ]
    return BREAKDOWN.frame(rows)


def _profiled(run: RunConfig, prepared: PreparedData) -> tuple[str, dict[str, float]]:
    """Device, and milliseconds of each part of a step.

    Raises:
        RunError: If the profiler sees no kernel of a GPU.
    """
    check_step(run, prepared.index)
    step = TrainingStep(run, len(prepared.index.classes))
    mark_walks(step.network)
    batches = training_batches(prepared.split("train"), run)
    on_gpu = step.device.type == "cuda"

    def take() -> list[torch.cuda.Event]:
        """Take a step; return when the GPU was done with the last one, and when the next batch came."""
        done = _passed() if on_gpu else []
        with record_function("part: data"):
            batch = next(batches)
        came = _passed() if on_gpu else []
        with record_function("part: data"):
            images, labels = step.inputs(batch)
        step(images, labels)
        return done + came

    for _ in range(1 + (2 * run.train.workers if on_gpu else 0)):  # the batches that were made ahead
        take()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as profiler:
        pauses = [take() for _ in range(STEPS)]
    batches.close()
    times = part_times(profiler.events() or [], on_gpu=on_gpu)
    if on_gpu:
        if not any(times.values()):
            raise RunError("the profiler saw no kernel; may this process use CUPTI?")
        torch.cuda.synchronize()
        times["data"] += sum(done.elapsed_time(came) for done, came in pauses) / STEPS
    return step.device.type, times


def _passed() -> list[torch.cuda.Event]:
    """A mark at what the GPU has been given so far."""
    mark = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    mark.record()
    return [mark]


def mark_walks(network: nn.Module) -> None:
    """Name the passes of the diffusion rule in the profile."""
    rule = getattr(network, "diffusion", None)
    if not isinstance(rule, nn.Module):
        return
    forward = rule.forward

    def marked(*arguments: Any) -> Any:
        with record_function("part: walks"):
            return forward(*arguments)

    rule.forward = marked


def part_times(events: Iterable[Any], *, on_gpu: bool) -> dict[str, float]:
    """Milliseconds of each part of one step: the events' own time, on a GPU that of their kernels.

    The profiler lists every kernel once more as an event of the GPU, which nothing called.
    """
    events = [event for event in events if event.device_type.name == "CPU"]
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
