"""The command `publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def publish(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders of results, all of whose runs are finished.")
    ],
    out: Annotated[Path, typer.Option(help="The archive to write, a .zip file.")],
    weights_mb: Annotated[
        float, typer.Option(min=0, help="Weights of a run that are larger are left out.")
    ] = 10.0,
) -> None:
    """Gather finished results in one archive: tables, configurations, environment, small weights, report.

    Anybody can open the report in it; `difnet verify` checks it and merges it into another project.

    Example: difnet publish results/shapes --out shapes.zip
    """
    from difnet.report.archive import publish as write_archive

    large = write_archive(folders, out, weight_bytes=int(weights_mb * 1e6))
    if large:
        typer.echo(
            f"{len(large)} weights of more than {weights_mb:g} MB are left out, {large[0]} first", err=True
        )
    typer.echo(out)
