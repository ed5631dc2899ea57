"""The command `analyse`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difnet.cli.options import Reference
from difnet.config import Project


def analyse(
    runs: Annotated[list[Path], typer.Argument(help="Run directories that have been scored.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables.")],
    reference: Reference = "cascade",
    claims: Annotated[
        Path | None, typer.Option(help="Claims to judge [default: workflow/claims.yaml].")
    ] = None,
    timing: Annotated[Path | None, typer.Option(help="timing.csv, for claims about time.")] = None,
    growth: Annotated[Path | None, typer.Option(help="growth.csv, for claims about growth.")] = None,
    looks: Annotated[
        list[int] | None, typer.Option(help="Seeds after which a verdict was planned; repeat for more looks.")
    ] = None,
) -> None:
    """Compare scored runs: means, paired differences and verdicts on the claims.

    Runs that differ in more than their ablations name are refused.

    Example: difnet analyse results/shapes/runs/*/seed* --out results/shapes
    """
    from difnet.analysis import analyse_runs

    analyse_runs(
        runs,
        reference=reference,
        claims=claims or Project().root / "workflow" / "claims.yaml",
        timing=timing,
        growth=growth,
        out=out,
        looks=looks or (),
    )
    typer.echo(out / "comparisons.csv")
