"""The command `status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difnet.cli.columns import print_columns
from difnet.config import Project, read_plan
from difnet.machine.locking import is_taken


def status(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of results [default: all of the project].")
    ] = None,
) -> None:
    """Say which planned runs are finished, running, failed or still to come, and the command that goes on.

    A run that is in work shows the last line of its log, with the time left; one that failed, the reason.

    Example: difnet status
    Example: difnet status results/shapes
    """
    from difnet.report.run_records import RunRecord, read_variants

    def told(run: RunRecord) -> tuple[str, str]:
        """State of a run that is not finished, and what there is to say."""
        if is_taken(run.folder):
            return "running", run.last_said
        return ("failed", run.failure) if run.failure else (run.state, run.departure)

    planned = folders or sorted(path.parent for path in Project().results.glob("*/plan.json"))
    if not planned:
        typer.echo("nothing is planned yet; snakemake --cores all")
    for folder in planned:
        plan = read_plan(folder)
        runs = [run for variant in read_variants(folder, plan, []) for run in variant.runs]
        left = [run for run in runs if not run.finished]
        typer.echo(f"{folder}: {len(runs) - len(left)} of {len(runs)} runs finished")
        if left:
            print_columns([(run.name, *told(run)) for run in left])
            typer.echo(f"  to go on: {plan.command}")
