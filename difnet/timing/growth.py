"""How cost grows with the number of nodes: the exponent p of value ~ nodes^p, with its interval."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

CURVE = ["subject", "device", "dtype", "metric"]
COLUMNS = [*CURVE, "exponent", "ci_low", "ci_high"]
FEWEST_SIZES = 3


def fit_growth(timing: pd.DataFrame) -> pd.DataFrame:
    """Fit log(value) = p log(nodes) + c for every subject, device, dtype and metric.

    Least squares with one slope, and one intercept for each number of classes and batch size; 95% interval
    from Student's t. It covers the scatter about a straight line, not the bend that small sizes have.

    Args:
        timing: rows of timing.csv; rows without a value, and values of zero, are left out.

    Returns:
        The columns of growth.csv, one row a curve; not a number where fewer than three sizes have values.
    """
    rows = []
    for labels, curve in timing.groupby(CURVE, sort=False):
        measured = curve[(curve["status"] == "ok") & (curve["value"] > 0)]
        rows.append([*labels, *_slope(measured)])
    return pd.DataFrame(rows, columns=COLUMNS)


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
