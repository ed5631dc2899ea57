"""The tables of timing of a benchmark: its operators and how their cost grows, its networks, both in one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from difnet.config import BenchmarkPlan
from difnet.data import prepare
from difnet.tables import BREAKDOWN, GROWTH, TIMING, GrowthRow, Table
from difnet.timing.networks import time_networks
from difnet.timing.operator_inputs import trained_levels
from difnet.timing.operators import time_operators
from difnet.timing.training_step import training_step_breakdown

Part = Literal["operators", "networks"]
CURVE = ["subject", "device", "dtype", "metric"]
FEWEST_SIZES = 3


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
            `timing/networks.csv` with `timing/breakdown.csv`, and `timing.csv`, which joins the first and
            the third.
        only: One part alone, without `timing.csv`; it does not depend on the other.
        trained: Run directory whose similarity branch gives the features of the `*_trained_features` rows.

    Returns:
        The files written.

    Raises:
        InputError: If `trained` is not a complete run, or a file cannot be written.
    """
    prepare(planned.data, data)
    written: list[Path] = []
    if only != "networks":
        levels = trained_levels(trained, data=data, batch=planned.timing.batch) if trained else None
        operators = time_operators(planned.timing, trained_levels=levels)
        written += [
            _write(TIMING, _with_throughput(operators), _part(out, "operators")),
            _write(GROWTH, fit_growth(operators), out / GROWTH.name),
        ]
    if only != "operators":
        networks = time_networks(planned.first_runs, planned.timing, data=data)
        written += [
            _write(TIMING, networks, _part(out, "networks")),
            _write(BREAKDOWN, training_step_breakdown(planned.first_runs, data=data), out / BREAKDOWN.name),
        ]
    if only is None:
        written.append(join_parts(out))
    return written


def join_parts(out: Path) -> Path:
    """Write `timing.csv` from its two parts, which may have been timed one after the other.

    Args:
        out: Folder that holds `timing/operators.csv` and `timing/networks.csv`.

    Returns:
        The file written.

    Raises:
        InputError: If a part is missing or not what was written.
    """
    parts = [TIMING.read(_part(out, "operators")), TIMING.read(_part(out, "networks"))]
    return _write(TIMING, pd.concat(parts, ignore_index=True), out / TIMING.name)


def fit_growth(timing: pd.DataFrame) -> pd.DataFrame:
    """Fit log(value) = p log(nodes) + c for every subject, device, dtype and metric.

    Least squares with one slope, and one intercept for each number of classes and batch size; 95% interval
    from Student's t. It covers the scatter about a straight line, not the bend that small sizes have.

    Args:
        timing: Rows of timing.csv; rows without a value, and values of zero, are left out.

    Returns:
        The columns of growth.csv, one row a curve; not a number where fewer than three sizes have values.
    """
    rows = []
    for labels, curve in timing.groupby(CURVE, sort=False):
        measured = curve[(curve["status"] == "ok") & (curve["value"] > 0)]
        subject, device, dtype, metric = map(str, labels)
        rows.append(GrowthRow(subject, device, dtype, metric, *_slope(measured)))
    return GROWTH.frame(rows)


def _slope(measured: pd.DataFrame) -> tuple[float, float, float]:
    """Return the slope of log(value) over log(nodes) and its interval."""
    if measured["nodes"].nunique() < FEWEST_SIZES:
        return math.nan, math.nan, math.nan
    logs = measured.assign(x=np.log(measured["nodes"]), y=np.log(measured["value"]))
    centred = logs[["x", "y"]] - logs.groupby(["classes", "batch"])[["x", "y"]].transform("mean")
    x, y = centred["x"].to_numpy(), centred["y"].to_numpy()
    slope = float(x @ y / (x @ x))
    freedom = len(x) - measured.groupby(["classes", "batch"]).ngroups - 1
    deviation = float(np.sqrt(np.sum((y - slope * x) ** 2) / freedom / (x @ x)))
    half = float(stats.t.ppf(0.975, freedom)) * deviation
    return slope, slope - half, slope + half


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


def _part(out: Path, part: Part) -> Path:
    return out / "timing" / f"{part}.csv"


def _write(table: Table[Any], frame: pd.DataFrame, path: Path) -> Path:
    table.write(frame, path)
    return path
