"""The command `clean`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from difnet.cli.columns import print_columns
from difnet.config import Project
from difnet.config.run_folder import REPLACED


def clean(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of results [default: all of the project].")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove what is listed.")] = False,
) -> None:
    """List the finished runs that others have taken the place of, with their sizes, or remove them.

    Example: difnet clean
    Example: difnet clean results/shapes --remove
    """
    searched = folders or sorted(path for path in Project().results.glob("*") if path.is_dir())
    runs = [
        run for folder in searched for run in sorted((folder / REPLACED).glob("*/seed*/*")) if run.is_dir()
    ]
    sizes = [sum(path.stat().st_size for path in run.rglob("*") if path.is_file()) for run in runs]
    if not runs:
        typer.echo("no replaced runs")
        return
    print_columns([(f"{size / 1e6:.1f} MB", str(run)) for run, size in zip(runs, sizes, strict=True)])
    if remove:
        for run in runs:
            shutil.rmtree(run)
    typer.echo(f"{len(runs)} runs, {sum(sizes) / 1e6:.1f} MB{' removed' if remove else ''}")
