"""What a training asks a batch system for, from its estimated cost, with room for what is not counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from difnet.config import BenchmarkPlan, RunConfig
from difnet.timing.estimate import Cost, estimate_costs

START_MINUTES = 20
"""For imports, reading the data and writing the results, however short the training."""
TIME_FACTOR = 2.0
"""Times the estimate: it is expected to be right within a factor of two (docs/costs.md)."""
CPU_OPERATIONS_PER_S = 10e9
"""Of one core, in training: assumed, so that old cores reach it too."""
PROCESS_MB, GPU_PROCESS_MB = 1500, 6000
"""Memory of the machine that a process takes beside the step: Python, PyTorch and its batches; with CUDA."""
MEMORY_FACTOR = 1.5
"""Times the memory of a step, which is on the CPU: scratch memory of kernels is not counted."""


@dataclass(frozen=True)
class Request:
    """Of one job."""

    mem_mb: int
    minutes: int


def training_requests(
    planned: BenchmarkPlan, *, results: Path, gpus: int, processes: int = 1
) -> dict[str, Request]:
    """What the trainings of each variant ask for.

    Args:
        planned: The plan of the benchmark.
        results: Folder of the results.
        gpus: GPUs of a node; 0 where the CPU trains.
        processes: Of every training; their number does not shorten it here, since that is not measured.

    Raises:
        InputError: If the size of the images or the number of classes is not known.
    """
    costs = estimate_costs(planned.first_runs, results=results, here=False)
    return {
        run.variant: _request(run, cost, gpus=gpus, processes=processes)
        for run, cost in zip(planned.first_runs, costs, strict=True)
    }


def _request(run: RunConfig, cost: Cost, *, gpus: int, processes: int) -> Request:
    if gpus:
        return Request(
            mem_mb=processes * GPU_PROCESS_MB,
            minutes=START_MINUTES + math.ceil(TIME_FACTOR * 60 * cost.gpu_hours),
        )
    step_mb = 1e3 * cost.memory_gb / processes
    operations = 1e9 * cost.gflop_step * (run.train.steps if cost.gpu_hours else 0)
    seconds = operations / (CPU_OPERATIONS_PER_S * run.train.threads)
    return Request(
        mem_mb=processes * math.ceil(PROCESS_MB + MEMORY_FACTOR * step_mb),
        minutes=START_MINUTES + math.ceil(TIME_FACTOR * seconds / 60),
    )
