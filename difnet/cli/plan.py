"""The command `plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from difnet.cli.options import Ablations, Assignments, Seeds, Sweeps, selection
from difnet.config import Project, plan


def plan_benchmark(
    benchmark: Annotated[str, typer.Argument(help="A file of workflow/benchmarks/, by name.")],
    ablations: Ablations = None,
    seeds: Seeds = None,
    assignments: Assignments = None,
    sweeps: Sweeps = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes of every training.")] = 1,
    timing: Annotated[
        bool | None,
        typer.Option(
            "--timing/--no-timing", help="Whether anything is timed [default: as the benchmark says]."
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Also where it takes longer than the benchmark's limits.gpu_hours.")
    ] = False,
) -> None:
    """Write what is to be run: plan.json, and the configuration of every run in its folder.

    All later stages read these files. A finished run of another recipe is moved to `replaced/` first.

    Example: difnet plan shapes --ablation headline --seed 0 --set train.steps=100
    """
    project = Project()
    chosen = selection(benchmark, ablations, seeds, assignments, sweeps)
    planned = plan(project, {**chosen, "timing": timing, "processes": processes, "yes": yes})
    for part in planned.benchmarks.values():
        if part.gpu_hours is not None:
            from difnet.timing.estimate import check_hours

            check_hours(part, part.runs, results=project.results)
        typer.echo(part.write(project))
    for line in planned.left_out:
        typer.echo(line, err=True)
