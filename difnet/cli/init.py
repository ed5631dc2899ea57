"""The command `init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difnet.config import write_text
from difnet.config.project_files import lay_out

FIRST = """\
# yaml-language-server: $schema=../workflow/schemas/ablation.schema.json
# An ablation is one file that names what differs; docs/adding-an-ablation.md has all keys.
title: Restart weight fixed at 0.5
question: Does it matter that the restart weights are learned?
extends: cascade
tags: [mine]
model: {restart: 0.5}
"""
NEXT = "snakemake --cores all --config 'benchmarks=[tiny]' 'ablations=[cascade,my_first]'"


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the project; made where it is not there.")],
) -> None:
    """Lay out a project, or bring one up to the installed version: Snakefile, workflow, ablations, profiles.

    Files that you have changed or deleted stay as they are, and are named where the new version has others.

    Example: difnet init study
    """
    done = lay_out(folder)
    own = folder / "ablations" / "my_first.yaml"
    if done.first and not own.exists():
        write_text(own, FIRST)
    typer.echo(f"{folder}: {len(done.written)} files written, {len(done.removed)} removed")
    for name in done.kept:
        typer.echo(f"{folder / name}: yours, left as it is", err=True)
    if done.first:
        typer.echo(f"next: cd {folder} && {NEXT}")
