"""The command `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="A trained run directory.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    size: Annotated[
        tuple[int, int] | None,
        typer.Option(
            metavar="HEIGHT WIDTH", help="Also a program (model.pt2) for images of this size.", min=1
        ),
    ] = None,
) -> None:
    """Write a trained network as a folder for others: weights, recipe, environment and a model card.

    Example: difnet export results/shapes/runs/cascade/seed0 --out cascade --size 96 96
    """
    from difnet.api.exporting import export as write_folder

    typer.echo(write_folder(run, out, size=size))
