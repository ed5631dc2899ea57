"""timing.csv and growth.csv of a benchmark: operators over the grid of sizes, networks of its variants."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from difnet.config import BenchmarkConfig, resolve_run, select_ablations
from difnet.data import prepare
from difnet.timing.growth import fit_growth
from difnet.timing.networks import time_networks
from difnet.timing.operators import time_operators
from difnet.timing.trained import trained_levels


def time_benchmark(
    root: Path, name: str, benchmark: BenchmarkConfig, *, data: Path, trained: Path | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Time everything that a benchmark compares.

    Args:
        root: The project's folder.
        name: Name of the benchmark.
        benchmark: Its configuration.
        data: Folder of the prepared data set; prepared where it is not.
        trained: Run directory whose similarity branch gives the features of the `*_trained_features` rows.

    Returns:
        Columns of timing.csv, and of growth.csv (operators only: a network has one size).
    """
    prepare(benchmark.data, data)
    runs = [
        resolve_run(root, benchmark=name, ablation=ablation, seed=benchmark.seeds[0])
        for ablation in select_ablations(root, benchmark)
    ]
    levels = trained_levels(trained, data=data, batch=benchmark.timing.batch) if trained else None
    operators = time_operators(benchmark.timing, trained_levels=levels)
    networks = time_networks(runs, benchmark.timing, data=data)
    timing = pd.concat([_with_throughput(operators), networks[operators.columns]], ignore_index=True)
    return timing, fit_growth(operators)


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
