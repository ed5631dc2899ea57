"""The command `time`: how long things take, measured, or estimated beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from difnet.cli.columns import print_columns
from difnet.cli.options import Ablations, Assignments, DataFolder, Seeds, known_benchmark, selection
from difnet.config import BenchmarkPlan, InputError, Project, plan, read_plan
from difnet.machine.gpus import lease_gpus

ASSUMPTIONS = """\
GFLOP/step  10^9 floating-point operations of a training step: those of one image times the batch, the
            convolutions counted, the diffusion by formula
GB          10^9 bytes of such a step on the GPU: weights, gradients, momentum, and what the batch keeps for
            the backward pass; scratch memory of kernels and the allocator's reserve come on top
min/run     one training on this machine: the operations at the rate of a few steps of the first variant, as
            measured now
GPU h/run   one training on the GPU beside it. measured: at the speed of a finished training of this recipe,
            of any length. model: at {bf16:.0f} TFLOP/s ({fp32:.0f} in fp32), by what NVIDIA published
            of training ResNet-50 in PyTorch on an {gpu}; nothing here was measured on one
Evaluation, looks at val and timing come on top of the model, which is right within a factor of about two;
docs/costs.md has other GPUs."""


def time(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of results whose plan.json says what is timed.")
    ] = None,
    *,
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark",
            callback=known_benchmark,
            help="In place of a folder: a file of workflow/benchmarks/.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With --benchmark: folder for timing.csv, growth.csv and timing/.")
    ] = None,
    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate", help="With --benchmark: estimate what training its variants will cost, and end."
        ),
    ] = False,
    classes: Annotated[
        int | None, typer.Option(min=2, help="With --estimate, where the files are not there yet.")
    ] = None,
    only: Annotated[
        Literal["operators", "networks", "joined"] | None,
        typer.Option(help="One part alone, without timing.csv; joined: timing.csv from both parts."),
    ] = None,
    trained: Annotated[
        Path | None, typer.Option(help="Run directory whose features the operators are timed on first.")
    ] = None,
    ablations: Ablations = None,
    seeds: Seeds = None,
    assignments: Assignments = None,
    data: DataFolder = None,
) -> None:
    """Time the diffusion operators and a training step of every variant, or estimate what training will cost.

    The estimate needs no images where train.crop or data.size says how large they are.

    Example: difnet time results/shapes
    Example: difnet time --benchmark shapes --out /tmp/timing
    Example: difnet time --benchmark voc2012 --estimate --ablation headline
    """
    if (folder is None) == (benchmark is None):
        raise InputError("time: give a folder of results, or --benchmark with --out or --estimate")
    if (benchmark is None) != (out is None and not estimate):
        raise InputError(
            "time: --benchmark goes with --out or --estimate; a folder of results takes its own tables"
        )
    if estimate and (out or only or trained):
        raise InputError("time: --estimate measures nothing; leave out --out, --only and --trained")
    if not estimate and classes is not None:
        raise InputError("time: --classes is for --estimate alone; a timing takes them from the data")
    if folder is not None and (ablations or seeds or assignments):
        raise InputError(f"time: {folder}/plan.json says what is timed; leave out --ablation, --seed, --set")
    project = Project()
    left_out: list[str] = []
    if folder is not None:
        planned = read_plan(folder)
    else:
        selected = plan(project, selection(str(benchmark), ablations, seeds, assignments) | {"timing": True})
        (planned,), left_out = selected.benchmarks.values(), selected.left_out
    prepared = data or project.results / planned.benchmark / "data"
    if only != "joined":
        lease_gpus()
    tables = out or folder
    if tables is None:
        _estimate(planned, project.results, classes)
        for line in left_out:
            typer.echo(line)
        return
    from difnet.timing import join_parts, time_benchmark

    if only == "joined":
        typer.echo(join_parts(tables))
        return
    for path in time_benchmark(planned, data=prepared, out=tables, only=only, trained=trained):
        typer.echo(path)


def _estimate(planned: BenchmarkPlan, results: Path, classes: int | None) -> None:
    """Print the cost of every variant, what it rests on, and the sum."""
    from difnet.timing.estimate import OPERATIONS_PER_S, REFERENCE_GPU, estimate_costs, total

    runs = planned.first_runs
    costs = estimate_costs(runs, results=results, classes=classes)
    rows = [("variant", "parameters", "GFLOP/step", "GB", "min/run", "GPU h/run", "GPU")]
    for variant, cost in zip(planned.variants, costs, strict=True):
        numbers = (
            f"{cost.parameters:,}",
            f"{cost.gflop_step:,.1f}",
            f"{cost.memory_gb:.2f}",
            f"{cost.minutes:,.1f}",
            f"{cost.gpu_hours:.2f}",
        )
        rows.append((variant.name, *numbers, f"{cost.gpu}, {'measured' if cost.measured else 'model'}"))
    print_columns(rows)
    rates = {kind: rate / 1e12 for kind, rate in OPERATIONS_PER_S.items()}
    typer.echo(ASSUMPTIONS.format(gpu=REFERENCE_GPU, **rates))
    typer.echo(total(runs, costs, seeds=len(planned.seeds)))
