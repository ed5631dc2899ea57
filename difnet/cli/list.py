"""The command `list`."""

from __future__ import annotations

from typing import Annotated

import typer

from difnet.cli.columns import print_columns
from difnet.cli.options import known_benchmark, selection
from difnet.config import InputError, ModelConfig, Project, match_ablations, plan
from difnet.config.backbones import DEPTHS, RESNET, TESTED, with_backbone

CLASSES, SIZE = 11, (120, 160)
"""Of the images by which the cost of backbones is shown: CamVid at reduced size."""


def list_catalogue(
    selectors: Annotated[
        list[str] | None, typer.Argument(help="Names, tags or globs of the ablations to show.")
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark", callback=known_benchmark, help="Show its variants, with what a run of each costs."
        ),
    ] = None,
) -> None:
    """List the benchmarks, and the ablations with their tags and questions.

    With --benchmark: parameters, floating-point operations of a training step (counted on one image, times
    the batch) and minutes of one training on this machine: those operations at the rate that a few steps of
    the reference reach here, and its hours on a GPU; right within a factor of about two.
    `difnet time --benchmark NAME --estimate` says more: which GPU, and what the numbers rest on. Nothing is
    prepared or written.

    With the word `backbones`: those that are tested as `model.backbone`, what DifNet on each costs, and which
    of its layers are resampled to the grid of nodes.

    Example: difnet list
    Example: difnet list levels 'matched_*'
    Example: difnet list --benchmark shapes
    Example: difnet list backbones
    """
    project = Project()
    if benchmark is not None:
        _list_costs(project, benchmark, selectors or [])
        return
    if selectors == ["backbones"]:
        _list_backbones()
        return
    if not selectors:
        typer.echo("benchmarks")
        print_columns([(name, _title(project, name)) for name in project.benchmark_names])
        typer.echo("ablations")
    names = match_ablations(project, selectors) if selectors else project.ablation_names
    print_columns([(name, _question(project, name)) for name in names])


def _list_costs(project: Project, benchmark: str, selectors: list[str]) -> None:
    selected = plan(project, selection(benchmark, selectors, None, None))
    variants = selected.benchmarks[benchmark].variants
    from difnet.timing.estimate import estimate_costs

    costs = estimate_costs([variant.config for variant in variants], results=project.results)
    rows = [("variant", "parameters", "GFLOP/step", "min/run", "GPU h/run", "question")]
    for variant, cost in zip(variants, costs, strict=True):
        counts = f"{cost.parameters:,}", f"{cost.gflop_step:.2f}"
        numbers = (*counts, f"{cost.minutes:.1f}", f"{cost.gpu_hours:.2f}")
        rows.append((variant.name, *numbers, variant.question))
    print_columns(rows)
    for line in selected.left_out:
        typer.echo(line)


def _list_backbones() -> None:
    from difnet.config.timm_networks import timm_network
    from difnet.timing.step_cost import step_cost

    rows = [("backbone", "parameters", "GFLOP/image", "resampled")]
    for name in [RESNET + depth for depth in DEPTHS] + [*TESTED]:
        model = ModelConfig.model_validate(with_backbone({"name": "difnet", "backbone": name}))
        cost = step_cost(model, classes=CLASSES, size=SIZE, half=False)
        resampled = "" if model.backbone is None else ", ".join(timm_network(name).resampled)
        rows.append((name, f"{cost.parameters:,}", f"{cost.operations / 1e9:.2f}", resampled))
    print_columns(rows)
    typer.echo(f"DifNet (cascade), {CLASSES} classes; a training step on an image of {SIZE[0]} x {SIZE[1]}")


def _title(project: Project, name: str) -> str:
    try:
        return project.benchmark(name).title
    except InputError as error:
        return f"broken: {error}"


def _question(project: Project, name: str) -> str:
    try:
        ablation = project.ablation(name)
    except InputError as error:
        return f"broken: {error}"
    return f"[{', '.join(ablation.tags)}] {ablation.question}"
