"""The command `diff`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from difnet.cli.columns import print_columns
from difnet.config import InputError, RunFolder, load_run

OF_THE_RUN = {"sha256", "command", "weights_sha256", "along_sha256", "identity", "recipe", "wall_s", "date"}
"""What differs between any two runs, and says nothing of its own."""


def diff(
    first: Annotated[Path, typer.Argument(help="A run directory.")],
    second: Annotated[Path, typer.Argument(help="Another one.")],
) -> None:
    """Compare two runs: the keys of their configurations and environments that differ, and their scores.

    Example: difnet diff results/shapes/runs/cascade/seed0 results/shapes/runs/seed_only/seed0
    """
    for run in (first, second):
        if not (run / "config.yaml").exists():
            raise InputError(
                f"{run}: is no run directory; give two such as results/shapes/runs/cascade/seed0"
            )
    # What an ablation names follows from the keys that differ.
    configs = [_flat(load_run(run).model_dump(mode="json", exclude={"changes"})) for run in (first, second)]
    _show("configuration", _differing(*configs))
    if untrained := [run for run in (first, second) if not RunFolder(run).finished]:
        typer.echo(f"environment: {untrained[0]} is not trained")
    else:
        environments = [_flat(RunFolder(run).record()) for run in (first, second)]
        _show("environment", [row for row in _differing(*environments) if row[0] not in OF_THE_RUN])
    if unscored := [run for run in (first, second) if not RunFolder(run).scored]:
        typer.echo(f"scores: {unscored[0]} is not scored")
    else:
        _show("scores", _compared(*map(_scores, (first, second))))


def _show(title: str, rows: list[tuple[str, ...]]) -> None:
    typer.echo(title if rows else f"{title}: equal")
    if rows:
        print_columns(rows)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested sections as `train.steps`."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        found |= _flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return found


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (key, str(one.get(key, "-")), str(other.get(key, "-")))
        for key in dict.fromkeys([*one, *other])
        if one.get(key) != other.get(key)
    ]


def _compared(one: Mapping[str, float], other: Mapping[str, float]) -> list[tuple[str, ...]]:
    """A row a metric that both have, below the heads of the columns."""
    rows = [
        (name, f"{value:.4f}", f"{other[name]:.4f}", f"{round(other[name] - value, 4) + 0:+.4f}")
        for name, value in one.items()
        if name in other
    ]
    return [("metric", "first", "second", "second - first"), *rows]


def _scores(run: Path) -> dict[str, float]:
    """The means by metric and split."""
    from difnet.tables import SCORES  # pandas takes a third of a second

    rows = SCORES.rows(SCORES.read(run / SCORES.name))
    return {f"{row.metric} ({row.split})": row.value for row in rows if not row.class_}
