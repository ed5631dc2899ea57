"""Options that several commands share, and what they mean together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from difnet.config import InputError, Project, RunConfig, nearest, validate
from difnet.config.files import BadKeyError, parse_yaml
from difnet.config.selection import Selection

DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the prepared data [default: results/BENCHMARK/data]."),
]
OPTIONS = {"benchmarks": "--benchmark", "ablations": "--ablation", "seeds": "--seed", "set": "--set"}
"""The option behind each key of a selection."""


def known_benchmark(name: str | None) -> str | None:
    """Check the value of `--benchmark`, before anything else is said of what it names."""
    if name is not None and name not in (known := Project().benchmark_names):
        raise InputError(f"--benchmark: unknown benchmark '{name}'{nearest(name, known)}")
    return name


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
Sweeps = Annotated[
    list[str] | None,
    typer.Option("--sweep", help="Values to try of a key, e.g. 'model.restart=[0.1, 0.5]'; may be repeated."),
]
Reference = Annotated[str, typer.Option(help="Variant that the others are compared with.")]


def selection(
    benchmark: str,
    ablations: Sequence[str] | None,
    seeds: Sequence[int] | None,
    assignments: Sequence[str] | None,
    sweeps: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The keys of `workflow/config.yaml` that these options stand for.

    Raises:
        InputError: If a value is not valid, with the option.
    """
    values = {
        "benchmarks": [benchmark],
        "ablations": list(ablations or ()),
        "seeds": list(seeds or ()),
        "set": list(assignments or ()),
        "sweep": dict(map(_values_to_try, sweeps or ())),
    }
    try:
        validate(Selection, values)
    except BadKeyError as error:
        raise InputError(f"{OPTIONS[str(error.keys[0])]}: {error.problem}") from error
    return values


def data_folder(project: Project, config: RunConfig) -> Path:
    """The benchmark's prepared data, or a folder of its own where `--set` changed the data."""
    changed = config.data != project.benchmark(config.benchmark).data
    return project.results / config.benchmark / ("data-changed" if changed else "data")


def pretext_folder(project: Project, config: RunConfig) -> Path:
    """Where a benchmark's pretext weights are."""
    return project.results / config.benchmark / "pretext"


def _values_to_try(text: str) -> tuple[str, list[object]]:
    key, _, written = text.partition("=")
    try:
        values = parse_yaml(written)
    except yaml.YAMLError:
        values = None
    if not isinstance(values, list):
        raise InputError(f"--sweep {text}: write it as 'section.key=[value, value]'")
    return key.strip(), values
