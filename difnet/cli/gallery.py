"""The command `gallery`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difnet.cli.options import DataFolder, Reference, data_folder
from difnet.config import Project, load_run
from difnet.machine.gpus import lease_gpus


def gallery(
    runs: Annotated[list[Path], typer.Argument(help="Run directories that have been scored.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    reference: Reference = "cascade",
    data: DataFolder = None,
) -> None:
    """Keep the predictions and maps of a few images, chosen by their scores, for the report.

    Example: difnet gallery results/shapes/runs/*/seed* --out results/shapes/gallery.npz
    """
    config = load_run(runs[0])
    lease_gpus()
    from difnet.data import prepare as prepare_data
    from difnet.evaluation import write_gallery

    folder = data or data_folder(Project(), config)
    prepare_data(config.data, folder)
    write_gallery(runs, reference=reference, data=folder, out=out)
    typer.echo(out)
