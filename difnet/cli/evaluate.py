"""The command `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difnet.cli.options import DataFolder, data_folder
from difnet.config import Project, load_run
from difnet.machine.gpus import lease_gpus


def evaluate(
    runs: Annotated[list[Path], typer.Argument(help="Run directories of finished trainings.")],
    split: Annotated[
        str | None, typer.Option(help="Split to score [default: the one of the benchmark].")
    ] = None,
    data: DataFolder = None,
) -> None:
    """Score trained runs, one after another in one process.

    Example: difnet evaluate results/shapes/runs/cascade/seed0 --split val
    """
    configs = {run: load_run(run) for run in runs}
    lease_gpus()
    from difnet.data import prepare as prepare_data
    from difnet.evaluation import evaluate_run

    for run, config in configs.items():
        folder = data or data_folder(Project(), config)
        prepare_data(config.data, folder)
        scores = evaluate_run(run, data=folder, split=split)
        if len(configs) > 1:
            typer.echo(run)
        for row in scores[scores["class"].isna() | (scores["class"] == "")].itertuples():
            typer.echo(f"{row.metric:18s} {row.value:.4f}")
