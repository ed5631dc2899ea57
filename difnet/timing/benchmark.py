"""The tables of timing of a benchmark: operators over the grid of sizes, networks of its variants."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd

from difnet.config import BenchmarkPlan, atomic_path
from difnet.data import prepare
from difnet.timing.breakdown import training_step_breakdown
from difnet.timing.growth import fit_growth
from difnet.timing.networks import time_networks
from difnet.timing.operators import time_operators
from difnet.timing.trained import trained_levels

Part = Literal["operators", "networks"]


def time_benchmark(
    planned: BenchmarkPlan,
    *,
    data: Path,
    out: Path,
    only: Part | None = None,
    trained: Path | None = None,
) -> list[Path]:
    """Time what a benchmark compares and write the tables as they come.

    Args:
        planned: Its grid of sizes, and one run of each variant whose network is timed.
        data: Folder of the prepared data set; prepared where it is not.
        out: Folder for `timing/operators.csv` with `growth.csv` (operators only: a network has one size),
            `timing/networks.csv` with `timing/breakdown.csv`, and `timing.csv`, which holds the rows of the
            first and the third.
        only: One part alone, without `timing.csv`; it does not depend on the other.
        trained: Run directory whose similarity branch gives the features of the `*_trained_features` rows.

    Returns:
        The files written.

    Raises:
        InputError: If `trained` is not a complete run, or a file cannot be written.
    """
    prepare(planned.data, data)
    tables: list[pd.DataFrame] = []
    written: list[Path] = []
    if only != "networks":
        levels = trained_levels(trained, data=data, batch=planned.timing.batch) if trained else None
        operators = time_operators(planned.timing, trained_levels=levels)
        tables.append(_with_throughput(operators))
        written += [
            _write(tables[-1], out / "timing" / "operators.csv"),
            _write(fit_growth(operators), out / "growth.csv"),
        ]
    if only != "operators":
        tables.append(time_networks(planned.first_runs, planned.timing, data=data))
        written += [
            _write(tables[-1], out / "timing" / "networks.csv"),
            _write(training_step_breakdown(planned.first_runs, data=data), out / "timing" / "breakdown.csv"),
        ]
    if only is None:
        written.append(_write(pd.concat(tables, ignore_index=True), out / "timing.csv"))
    return written


def _with_throughput(operators: pd.DataFrame) -> pd.DataFrame:
    """Add images_per_s beside every latency_ms; the bounds of the interval change places."""
    latency = operators[operators["metric"] == "latency_ms"]
    images = 1e3 * latency["batch"]
    throughput = latency.assign(
        metric="images_per_s",
        value=images / latency["value"],
        ci_low=images / latency["ci_high"],
        ci_high=images / latency["ci_low"],
    )
    return pd.concat([operators, throughput], ignore_index=True)


def _write(table: pd.DataFrame, path: Path) -> Path:
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)
    return path
