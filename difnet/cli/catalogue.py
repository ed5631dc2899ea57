"""The commands about ablations themselves: `list` and `new-ablation`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from difnet.cli.columns import print_columns
from difnet.cli.templates import DIFFUSION, RULES, YAML
from difnet.config import (
    DIFFUSIONS,
    InputError,
    ablation_names,
    benchmark_names,
    check_name,
    load_ablation,
    load_benchmark,
    load_variant,
    match_ablations,
    plan,
    project_root,
    write_text,
)


def list_catalogue(
    selectors: Annotated[
        list[str] | None, typer.Argument(help="Names, tags or globs of the ablations to show.")
    ] = None,
    benchmark: Annotated[
        str | None, typer.Option("--benchmark", help="Show its variants, with what a run of each costs.")
    ] = None,
) -> None:
    """List the benchmarks, and the ablations with their tags and questions.

    With --benchmark: parameters, floating-point operations of a training step (counted on one image, times
    the batch) and minutes of one training on this machine: those operations at the rate that a few steps of
    the reference reach here; right within a factor of about two. `difnet time --estimate` says more.

    Example: difnet list
    Example: difnet list levels 'matched_*'
    Example: difnet list --benchmark shapes
    """
    root = project_root()
    if benchmark is not None:
        _list_costs(root, benchmark, tuple(selectors or ()))
        return
    if not selectors:
        typer.echo("benchmarks")
        print_columns([(name, _title(root, name)) for name in benchmark_names(root)])
        typer.echo("ablations")
    names = match_ablations(root, tuple(selectors)) if selectors else ablation_names(root)
    print_columns([(name, _question(root, name)) for name in names])


def new_ablation(
    name: Annotated[str, typer.Argument(help="Its name: a file of ablations/.")],
    extends: Annotated[str, typer.Option(help="The ablation to start from.")] = "cascade",
    part: Annotated[
        Literal["diffusion", "rules"] | None,
        typer.Option("--with", help="Also a diffusion rule (.py), or workflow rules (.smk)."),
    ] = None,
) -> None:
    """Write the files of a new ablation, to be filled in.

    Example: difnet new-ablation mean_walk --extends cascade --with diffusion
    """
    root = project_root()
    check_name(name)
    if part == "diffusion" and name in DIFFUSIONS:
        raise InputError(f"'{name}' is a diffusion rule of the library; choose another name")
    load_ablation(root, extends)
    folder = root / "ablations"
    if existing := [path for path in sorted(folder.iterdir()) if path.stem.casefold() == name.casefold()]:
        raise InputError(
            f"ablations/{existing[0].name} exists already; choose another name or edit that file"
        )
    model = f'{{diffusion: "{name}"}}' if part == "diffusion" else "{}"
    files = {f"{name}.yaml": YAML.format(name=name, extends=extends, model=model)}
    if part == "diffusion":
        files[f"{name}.py"] = DIFFUSION.format(name=name)
    if part == "rules":
        rule = re.sub(r"\W", "_", name)
        files[f"{name}.smk"] = RULES.replace("NAME", name).replace("RULE", rule)
    for file, text in files.items():
        write_text(folder / file, text)
        typer.echo(folder / file)


def _list_costs(root: Path, benchmark: str, selectors: tuple[str, ...]) -> None:
    selected = plan(root, {"benchmarks": [benchmark], "ablations": selectors})
    config, runs = selected.benchmarks[benchmark], selected.first_runs(benchmark)
    from difnet.timing.estimate import estimate_costs

    data = root / "results" / benchmark / "data"
    rows = [("variant", "parameters", "GFLOP/step", "min/run", "question")]
    for run, cost in zip(runs, estimate_costs(runs, data=data), strict=True):
        question = load_variant(root, config, run.variant).question
        rows.append(
            (run.variant, f"{cost.parameters:,}", f"{cost.gflop_step:.2f}", f"{cost.minutes:.1f}", question)
        )
    print_columns(rows)
    for line in selected.left_out:
        typer.echo(line)


def _title(root: Path, name: str) -> str:
    try:
        return load_benchmark(root, name).title
    except InputError as error:
        return f"broken: {error}"


def _question(root: Path, name: str) -> str:
    try:
        ablation = load_ablation(root, name)
    except InputError as error:
        return f"broken: {error}"
    return f"[{', '.join(ablation.tags)}] {ablation.question}"
