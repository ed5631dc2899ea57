"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the prepared data [default: results/BENCHMARK/data]."),
]
BenchmarkName = Annotated[str, typer.Option("--benchmark", help="A file of workflow/benchmarks/, by name.")]
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
