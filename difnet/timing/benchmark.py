"""The tables of timing of a benchmark: its operators and how their cost grows, its networks, both in one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from difnet.config import BenchmarkPlan, InputError, RunConfig, TimingConfig
from difnet.config.digests import write_digested
from difnet.data import prepare
from difnet.machine.environment import environment
from difnet.machine.progress import say
from difnet.tables import BREAKDOWN, BUSY, FEATURES, GROWTH, TIMING, Table, check_ours
from difnet.timing.feature_statistics import describe_features
from difnet.timing.growth import fit_growth
from difnet.timing.networks import time_networks
from difnet.timing.operator_inputs import Levels, random_levels, start_levels, trained_levels
from difnet.timing.operators import time_operators
from difnet.timing.throttling import Throttling
from difnet.timing.training_step import training_step_breakdown

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
        out: Folder for `timing/operators.csv` with `growth.csv` (operators only: a network has one size) and
            `timing/features.csv`, `timing/networks.csv` with `timing/breakdown.csv`, and `timing.csv`, which
            joins operators and networks. Beside each part, in `timing/PART.json`, what it was timed with.
        only: One part alone, without `timing.csv`; it does not depend on the other.
        trained: Run directory whose similarity branch gives the features; None for those of the reference
            variant at its start. Random ones come after them.

    Returns:
        The files written.

    Raises:
        InputError: If the plan times nothing, `trained` is not a complete run, or a file cannot be written or
            is somebody else's.
    """
    grid = planned.timing
    if not grid:
        raise InputError(
            f"{planned.folder}: nothing is timed, it says timing: false; {planned.timing_command}"
        )
    parts = _part(out, "operators"), _part(out, "networks")
    check_ours(*parts, *(out / table.name for table in (GROWTH, FEATURES, BREAKDOWN, TIMING)))
    prepare(planned.data, data)
    written: list[Path] = []
    if only != "networks":
        levels = _levels(planned.first_runs[0], grid, data, trained)
        left_out = "start" if "trained" in levels else ""
        timed = {name: of_size for name, of_size in levels.items() if name != left_out}
        throttling = Throttling()
        operators = time_operators(grid, timed)
        throttled = throttling.share()
        written += [
            _write(TIMING, _with_throughput(operators), _part(out, "operators")),
            _write(GROWTH, fit_growth(operators), out / GROWTH.name),
            _write(FEATURES, describe_features(levels, grid.nodes), out / FEATURES.name),
            _write_machine(_part(out, "operators"), throttled),
        ]
        _warn_if_disturbed(operators)
    if only != "operators":
        throttling = Throttling()
        networks = time_networks(planned.first_runs, grid, data=data)
        throttled = throttling.share()
        _warn_if_disturbed(networks)
        written += [
            _write(TIMING, networks, _part(out, "networks")),
            _write(BREAKDOWN, training_step_breakdown(planned.first_runs, data=data), out / BREAKDOWN.name),
            _write_machine(_part(out, "networks"), throttled),
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


def _levels(reference: RunConfig, grid: TimingConfig, data: Path, trained: Path | None) -> dict[str, Levels]:
    """The features that operators are timed on: first those of a trained network, where there is one."""
    found = {
        "trained": trained_levels(trained, data=data, batch=grid.batch) if trained else None,
        "start": start_levels(reference, data=data, batch=grid.batch),
        "random": random_levels(grid),
    }
    return {name: levels for name, levels in found.items() if levels is not None}


def _warn_if_disturbed(timing: pd.DataFrame) -> None:
    """Say on standard error that other processes ran, if they did."""
    if (share := timing["foreign_share"].max()) > BUSY:
        say(
            f"warning: other processes took up to {share:.0%} of the processors' time while this was timed; "
            "time again on a quiet machine"
        )


def _write_machine(part: Path, throttled: float) -> Path:
    """Write what a part was timed with, and say if the GPU did not keep its clock."""
    if throttled > BUSY:
        say(
            f"warning: the GPU was held below its clock for {throttled:.0%} of the time in which this was "
            "timed; cool it or raise its power limit, and time again"
        )
    known = None if math.isnan(throttled) else round(throttled, 3)
    path = part.with_suffix(".json")
    write_digested(path, json.dumps(environment("time") | {"throttled_share": known}, indent=1) + "\n")
    return path


def _with_throughput(operators: pd.DataFrame) -> pd.DataFrame:
    """Add images_per_s beside every latency_ms; the bounds of the interval change places."""
    latency = operators[operators["metric"] == "latency_ms"]
    images = 1e3 * latency["batch"]
    throughput = latency.assign(
        metric="images_per_s",
        value=images / latency["value"],
        ci_low=images / latency["ci_high"],
        ci_high=images / latency["ci_low"],
        log_value=np.log(images) - latency["log_value"],
    )
    return pd.concat([operators, throughput], ignore_index=True)


def _part(out: Path, part: Part) -> Path:
    return out / "timing" / f"{part}.csv"


def _write(table: Table[Any], frame: pd.DataFrame, path: Path) -> Path:
    table.write(frame, path)
    return path
