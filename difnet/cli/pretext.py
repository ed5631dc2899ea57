"""The command `pretext`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difnet.cli.options import pretext_folder
from difnet.config import InputError, Project, load_run
from difnet.machine.gpus import gpu_count, lease_gpus


def pretext(
    run: Annotated[Path, typer.Argument(help="Run directory that `difnet plan` has written.")],
) -> None:
    """Make the weights that runs with `model.weights: pretext` start from; one file serves many runs.

    `difnet train` makes them itself where they are missing.

    Example: difnet pretext results/shapes/runs/cascade/seed0
    """
    config = load_run(run)
    if config.pretext_identity() is None:
        raise InputError(
            f"{run}: starts from other weights: model.weights is {config.model.weights or 'null'}"
        )
    lease_gpus(1 if gpu_count() else None)
    from difnet.training.train_pretext import make_pretext

    typer.echo(make_pretext(config, pretext_folder(Project(), config)))
