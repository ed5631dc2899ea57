"""The command `train`."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from difnet.cli.options import Assignments, DataFolder, data_folder, known_benchmark, pretext_folder
from difnet.cli.processes import run_processes
from difnet.config import InputError, Project, ablation_of, load_run, resolve_run
from difnet.config.freezing import RANDOM_VALUES_STAY, freezes_random_values
from difnet.machine.gpus import gpu_count, lease_gpus
from difnet.machine.progress import say


def train(
    run: Annotated[
        Path | None, typer.Argument(help="Run directory that `difnet plan` has written; or give the options.")
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark", callback=known_benchmark, help="A file of workflow/benchmarks/, by name."
        ),
    ] = None,
    ablation: Annotated[
        str | None, typer.Option(help="A file of ablations/, by name, or NAME@key=value of a sweep.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the run.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run directory to write.")] = None,
    assignments: Assignments = None,
    data: DataFolder = None,
    weights_from: Annotated[
        Path | None,
        typer.Option(help="Run whose weights an ablation with `weights_of` takes [default: beside OUT]."),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Start again where OUT holds another run; a finished one is moved aside."
        ),
    ] = False,
    processes: Annotated[
        int,
        typer.Option(min=1, help="Processes that share out every batch, each with a GPU if there are any."),
    ] = 1,
) -> None:
    """Train one run; called again, it continues where its checkpoint stands.

    Example: difnet train --benchmark shapes --ablation cascade --seed 0 --out /tmp/run --set train.steps=120
    Example: difnet train results/shapes/runs/cascade/seed0
    """
    project = Project()
    given = {"--benchmark": benchmark, "--ablation": ablation, "--seed": seed, "--out": out}
    if run is not None:
        odd = [name for name, value in {**given, "--set": assignments}.items() if value is not None]
        if odd:
            raise InputError(f"{odd[0]}: {run} holds its configuration; give that directory or the options")
        config, out = load_run(run), run
    elif benchmark is None or ablation is None or seed is None or out is None:
        missing = next(name for name, value in given.items() if value is None)
        raise InputError(f"{missing} is missing; give a run directory, or {', '.join(given)}")
    else:
        config = resolve_run(
            project, benchmark=benchmark, ablation=ablation, seed=seed, overrides=assignments or ()
        )
    from difnet.data import prepare as prepare_data
    from difnet.data.requirements import check_planned
    from difnet.models.build import check_given_weights
    from difnet.training import train_run
    from difnet.training.train_pretext import make_pretext

    folder = data or data_folder(project, config)
    check_planned([config], folder)
    check_given_weights(config.model)
    if freezes_random_values(config):
        say(f"warning: {RANDOM_VALUES_STAY}")
    pretext = make_pretext(config, pretext_folder(project, config)) if config.pretext_identity() else None
    prepare_data(config.data, folder)
    started_by_torchrun = "LOCAL_RANK" in os.environ
    lease_gpus(processes if gpu_count() else None)
    if processes > 1 and not started_by_torchrun:
        run_processes(processes)
    else:
        command = shlex.join(["difnet", *sys.argv[1:]])
        train_run(
            config,
            data=folder,
            out=out,
            command=command,
            sources=project.sources(ablation_of(config.variant), config.model.diffusion),
            overwrite=overwrite,
            weights_from=weights_from,
            pretext=pretext,
        )
    if not started_by_torchrun:
        typer.echo(out / "weights.safetensors")
