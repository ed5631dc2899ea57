"""The command `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders of results, each with its plan.json, in the report's order.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write [default: report.html beside the folders].")
    ] = None,
) -> None:
    """Render the reports: report.html in each folder, and one of all of them; say what came out.

    Example: difnet report results/shapes
    """
    from difnet.report import closing_lines, render

    *_, page = render(folders, out or folders[0].parent / "report.html")
    for folder in folders:
        for line in closing_lines(folder):
            typer.echo(line)
    typer.echo(f"report: {page}")
