"""The command line: each command reads its arguments, calls one stage and prints where the result is.

Stages are imported inside the commands, since PyTorch takes seconds to import.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from difnet.cli.catalogue import list_catalogue, new_ablation
from difnet.cli.data import prepare
from difnet.cli.lease import lease
from difnet.cli.options import Ablations, Assignments, BenchmarkName, DataFolder, Seeds
from difnet.cli.predict import predict
from difnet.cli.processes import run_processes
from difnet.cli.time import time
from difnet.config import (
    RunConfig,
    load_benchmark,
    load_run,
    project_root,
    resolve_run,
)
from difnet.machine.gpus import gpu_count
from difnet.machine.lease import lease_gpus

app = typer.Typer(
    help="DifNet-Bench: reproducibility and ablation benchmarks of DifNet (NeurIPS 2018).",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(prepare)


@app.command()
def train(
    benchmark: BenchmarkName,
    ablation: Annotated[
        str, typer.Option(help="A file of ablations/, by name, or NAME@key=value of a sweep.")
    ],
    seed: Annotated[int, typer.Option(help="Seed of the run.")],
    out: Annotated[Path, typer.Option(help="Run directory to write.")],
    assignments: Assignments = None,
    data: DataFolder = None,
    weights_from: Annotated[
        Path | None,
        typer.Option(help="Run whose weights an ablation with `weights_of` takes [default: beside OUT]."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start again where OUT holds another run's checkpoint.")
    ] = False,
    processes: Annotated[
        int,
        typer.Option(min=1, help="Processes that share out every batch, each with a GPU if there are any."),
    ] = 1,
) -> None:
    """Train one run; called again, it continues where its checkpoint stands.

    Example: difnet train --benchmark shapes --ablation cascade --seed 0 --out /tmp/run --set train.steps=120
    """
    config = resolve_run(
        project_root(), benchmark=benchmark, ablation=ablation, seed=seed, overrides=assignments or ()
    )
    from difnet.data import prepare as prepare_data
    from difnet.training import train_run

    folder = data or _data_folder(config)
    prepare_data(config.data, folder)
    started_by_torchrun = "LOCAL_RANK" in os.environ
    lease_gpus(processes if gpu_count() else None)
    if processes > 1 and not started_by_torchrun:
        run_processes(processes)
    else:
        command = shlex.join(["difnet", *sys.argv[1:]])
        train_run(
            config, data=folder, out=out, command=command, overwrite=overwrite, weights_from=weights_from
        )
    if not started_by_torchrun:
        typer.echo(out / "weights.safetensors")


@app.command()
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
        folder = data or _data_folder(config)
        prepare_data(config.data, folder)
        scores = evaluate_run(run, data=folder, split=split)
        if len(configs) > 1:
            typer.echo(run)
        for row in scores[scores["class"].isna() | (scores["class"] == "")].itertuples():
            typer.echo(f"{row.metric:18s} {row.value:.4f}")


@app.command()
def analyse(
    runs: Annotated[list[Path], typer.Argument(help="Run directories that have been scored.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables.")],
    reference: Annotated[str, typer.Option(help="Variant that the others are compared with.")] = "cascade",
    claims: Annotated[
        Path | None, typer.Option(help="Claims to judge [default: workflow/claims.yaml].")
    ] = None,
    timing: Annotated[Path | None, typer.Option(help="timing.csv, for claims about time.")] = None,
    growth: Annotated[Path | None, typer.Option(help="growth.csv, for claims about growth.")] = None,
) -> None:
    """Compare scored runs: means, paired differences and verdicts on the claims.

    Example: difnet analyse results/shapes/runs/*/seed* --out results/shapes
    """
    from difnet.analysis import analyse as analyse_runs

    analyse_runs(
        runs,
        reference=reference,
        claims=claims or project_root() / "workflow" / "claims.yaml",
        timing=timing,
        growth=growth,
        out=out,
    )
    typer.echo(out / "comparisons.csv")


@app.command()
def gallery(
    runs: Annotated[list[Path], typer.Argument(help="Run directories that have been scored.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    reference: Annotated[str, typer.Option(help="Variant that the others are compared with.")] = "cascade",
    data: DataFolder = None,
) -> None:
    """Keep the predictions and maps of a few images, chosen by their scores, for the report.

    Example: difnet gallery results/shapes/runs/*/seed* --out results/shapes/gallery.npz
    """
    config = load_run(runs[0])
    lease_gpus()
    from difnet.evaluation import write_gallery

    write_gallery(runs, reference=reference, data=data or _data_folder(config), out=out)
    typer.echo(out)


@app.command()
def report(
    benchmarks: Annotated[list[str], typer.Option("--benchmark", help="A benchmark; may be repeated.")],
    results: Annotated[Path, typer.Option(help="Folder that holds the results.")] = Path("results"),
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("results/report.html"),
    ablations: Ablations = None,
    seeds: Seeds = None,
    assignments: Assignments = None,
) -> None:
    """Render the report.

    Example: difnet report --benchmark shapes --out results/report.html
    """
    from difnet.report import Selection, render

    selection = Selection(tuple(ablations or ()), tuple(seeds or ()), tuple(assignments or ()))
    render(project_root(), results, benchmarks, out, selection)
    typer.echo(out)


app.command()(time)
app.command()(predict)
app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})(lease)
app.command("list")(list_catalogue)
app.command("new-ablation")(new_ablation)


def _data_folder(config: RunConfig) -> Path:
    """The benchmark's prepared data, or a folder of its own where `--set` changed the data."""
    root = project_root()
    changed = config.data != load_benchmark(root, config.benchmark).data
    return root / "results" / config.benchmark / ("data-changed" if changed else "data")
