"""The command `time`: how long things take, measured, or estimated beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from difnet.cli.columns import print_columns
from difnet.cli.options import Ablations, Assignments, DataFolder, Seeds
from difnet.config import BenchmarkConfig, InputError, RunConfig, load_variant, plan, project_root
from difnet.machine.lease import lease_gpus

ASSUMPTIONS = """\
GFLOP/step  10^9 floating-point operations of a training step: those of one image times the batch, the
            convolutions counted, the diffusion by formula
GB          10^9 bytes of such a step on the GPU: weights, gradients, momentum, and what the batch keeps for
            the backward pass; scratch memory of kernels and the allocator's reserve come on top
min/run     one training on this machine: the operations at the rate of a few steps of the first variant, as
            measured now
GPU h/run   one training on an {gpu} at {bf16:.0f} TFLOP/s ({fp32:.0f} in fp32), the rate that
            NVIDIA published for training ResNet-50 in PyTorch; nothing here was measured on one
Evaluation and timing come on top. Right within a factor of about two; docs/costs.md has other GPUs."""


def time(
    *,
    benchmark: Annotated[
        str | None, typer.Option("--benchmark", help="A file of workflow/benchmarks/, by name.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for timing.csv, growth.csv and the two parts in timing/.")
    ] = None,
    estimate: Annotated[
        str | None,
        typer.Option(metavar="BENCHMARK", help="Estimate what training its variants will cost, and end."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=2, help="With --estimate, where the files are not there yet.")
    ] = None,
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
    """Time the diffusion operators and a training step of every variant, or estimate what training will cost.

    The estimate needs no images where train.crop or data.size says how large they are.

    Example: difnet time --benchmark shapes --out results/shapes
    Example: difnet time --estimate voc2012 --ablation headline
    """
    if estimate is None and (benchmark is None or out is None):
        raise InputError("time: give --benchmark NAME and --out FOLDER, or --estimate BENCHMARK")
    if estimate is not None and (benchmark or out or only or trained):
        raise InputError(
            "time: --estimate measures nothing; leave out --benchmark, --out, --only and --trained"
        )
    if estimate is None and classes is not None:
        raise InputError("time: --classes is for --estimate alone; a timing takes them from the data")
    name = str(estimate or benchmark)
    selection = {"ablations": ablations or (), "seeds": seeds or (), "set": assignments or ()}
    selected = plan(project_root(), {"benchmarks": [name], **selection})
    config, runs = selected.benchmarks[name], selected.first_runs(name)
    folder = data or project_root() / "results" / name / "data"
    lease_gpus()
    if out is None:
        _estimate(config, runs, folder, classes)
        for line in selected.left_out:
            typer.echo(line)
        return
    from difnet.timing import time_benchmark

    for path in time_benchmark(config, runs, data=folder, out=out, only=only, trained=trained):
        typer.echo(path)


def _estimate(config: BenchmarkConfig, runs: Sequence[RunConfig], data: Path, classes: int | None) -> None:
    """Print the cost of every variant, what it rests on, and the sum."""
    from difnet.timing.estimate import OPERATIONS_PER_S, REFERENCE_GPU, estimate_costs, total

    costs = estimate_costs(runs, data=data, classes=classes)
    rows = [("variant", "parameters", "GFLOP/step", "GB", "min/run", "GPU h/run", "title")]
    for run, cost in zip(runs, costs, strict=True):
        numbers = (
            f"{cost.parameters:,}",
            f"{cost.gflop_step:,.1f}",
            f"{cost.memory_gb:.2f}",
            f"{cost.minutes:,.1f}",
            f"{cost.gpu_hours:.2f}",
        )
        rows.append((run.variant, *numbers, load_variant(project_root(), config, run.variant).title))
    print_columns(rows)
    rates = {kind: rate / 1e12 for kind, rate in OPERATIONS_PER_S.items()}
    typer.echo(ASSUMPTIONS.format(gpu=REFERENCE_GPU, **rates))
    typer.echo(total(runs, costs, seeds=len(config.seeds)))
