"""The command line: each command reads its arguments, calls one stage and prints where the result is.

Stages are imported inside the commands, since PyTorch takes seconds to import.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from difnet.cli.catalogue import list_catalogue, new_ablation
from difnet.cli.lease import lease
from difnet.cli.predict import predict
from difnet.config import (
    RunConfig,
    load_benchmark,
    load_run,
    plan,
    project_root,
    resolve_run,
)
from difnet.config.lease import lease_gpus

app = typer.Typer(
    help="DifNet-Bench: reproducibility and ablation benchmarks of DifNet (NeurIPS 2018).",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

BenchmarkName = Annotated[str, typer.Option("--benchmark", help="A file of workflow/benchmarks/, by name.")]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the prepared data [default: results/BENCHMARK/data]."),
]

Ablations = Annotated[
    list[str] | None,
    typer.Option("--ablation", help="Names, tags or globs in place of the benchmark's; may be repeated."),
]
Seeds = Annotated[
    list[int] | None, typer.Option("--seed", help="Seeds in place of the benchmark's; may be repeated.")
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", help="Change a key, e.g. train.steps=120; may be repeated.")
]


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="A benchmark, or the data set `folder`.")],
    root: Annotated[
        Path | None, typer.Option("--root", help="Folder of a user's own images and labels.")
    ] = None,
    data: DataFolder = None,
) -> None:
    """Check and decode a data set.

    Example: difnet prepare shapes
    Example: difnet prepare folder --root ~/my-images
    """
    from difnet.config import DataConfig
    from difnet.data import prepare as prepare_data

    if root is not None:
        config = DataConfig(name=name, options={"root": str(root)})
    else:
        config = load_benchmark(project_root(), name).data
    index = prepare_data(config, data or project_root() / "results" / name / "data")
    counts = ", ".join(f"{len(split.names)} {split_name}" for split_name, split in index.splits.items())
    typer.echo(f"{index.title}: {counts}; {len(index.classes)} classes; content {index.sha256[:16]}")


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
    lease_gpus()
    command = shlex.join(["difnet", *sys.argv[1:]])
    train_run(config, data=folder, out=out, command=command, overwrite=overwrite, weights_from=weights_from)
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
def time(
    benchmark: BenchmarkName,
    out: Annotated[
        Path, typer.Option(help="Folder for timing.csv, growth.csv and the two parts in timing/.")
    ],
    only: Annotated[
        Literal["operators", "networks"] | None, typer.Option(help="One part alone, without timing.csv.")
    ] = None,
    trained: Annotated[
        Path | None, typer.Option(help="Run directory whose features the operators are timed on as well.")
    ] = None,
    ablations: Ablations = None,
    seeds: Seeds = None,
    assignments: Assignments = None,
    data: DataFolder = None,
) -> None:
    """Time the diffusion operators and a training step of every variant.

    Example: difnet time --benchmark shapes --out results/shapes
    """
    root = project_root()
    selection = {"ablations": ablations or (), "seeds": seeds or (), "set": assignments or ()}
    selected = plan(root, {"benchmarks": [benchmark], **selection})
    config = selected.benchmarks[benchmark]
    first_seed = str(config.seeds[0])
    lease_gpus()
    from difnet.timing import time_benchmark

    written = time_benchmark(
        config,
        [selected.runs[benchmark, variant, first_seed] for variant in selected.variants(benchmark)],
        data=data or root / "results" / benchmark / "data",
        out=out,
        only=only,
        trained=trained,
    )
    for path in written:
        typer.echo(path)


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


app.command()(predict)
app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})(lease)
app.command("list")(list_catalogue)
app.command("new-ablation")(new_ablation)


def _data_folder(config: RunConfig) -> Path:
    """The benchmark's prepared data, or a folder of its own where `--set` changed the data."""
    root = project_root()
    changed = config.data != load_benchmark(root, config.benchmark).data
    return root / "results" / config.benchmark / ("data-changed" if changed else "data")
