"""How long a training step took in runs that are finished: what an estimate rests on where there are some."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from difnet.config import InputError, RunConfig, RunFolder, load_run

LENGTH = {"steps", "epochs", "select", "select_every", "checkpoint_every", "workers"}
"""Keys of `train` that leave a step as it is."""


@dataclass(frozen=True)
class MeasuredSteps:
    """Trainings on one GPU."""

    gpu: str
    seconds: float
    """A step: all that the training took, its looks at `val` included, over its steps."""


def measured_steps(run: RunConfig, results: Path) -> MeasuredSteps | None:
    """The fastest finished training on a GPU of the same variant and recipe, whatever its length and seed.

    Args:
        run: The run that is asked for.
        results: Folder of the results, whose `BENCHMARK/` and `BENCHMARK+key=value/` are looked through.
    """
    found = []
    for path in results.glob(f"{run.benchmark}*/runs/{run.variant}/seed*/environment.json"):
        folder = RunFolder(path.parent)
        try:
            other, record = load_run(folder.path), folder.record()
        except InputError:
            continue
        gpu, seconds = record.get("device"), record.get("wall_s")
        if gpu not in (None, "cpu") and seconds and _step_of(other) == _step_of(run):
            found.append(MeasuredSteps(str(gpu), seconds / other.train.steps))
    return min(found, key=lambda measured: measured.seconds, default=None)


def _step_of(run: RunConfig) -> list[dict[str, Any]]:
    """All that a step depends on."""
    return [run.data.model_dump(), run.model.model_dump(), run.train.model_dump(exclude=LENGTH)]
