"""How costs grow with the number of nodes: the slope of log cost over log N, locally."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from difnet.tables import GROWTH, TIMING, GrowthRow, TimingRow

CURVE = ["subject", "device", "dtype", "classes", "batch", "features", "metric"]
SIZES = 3
"""Neighbouring sizes that an exponent is fitted to."""


def fit_growth(timing: pd.DataFrame) -> pd.DataFrame:
    """Fit log(value) = k log(nodes) + c to every three neighbouring sizes of every curve.

    Overhead bends a curve, so each exponent is a local one: the least-squares slope through these sizes. It
    is a fixed combination of the logarithms measured there; its variance follows from theirs, without taking
    the curve for straight, and has the fewest of their degrees of freedom (conservative).

    Args:
        timing: Rows of timing.csv; those without a positive value are left out.

    Returns:
        The columns of growth.csv, by curve and size; no rows of a curve with fewer than three sizes.
    """
    rows = []
    measured = timing[(timing["status"] == "ok") & timing["log_value"].notna()]
    for _, curve in measured.groupby(CURVE, sort=False):
        points = TIMING.rows(curve.sort_values("nodes"))
        rows += [_fitted(points[end - SIZES : end]) for end in range(SIZES, len(points) + 1)]
    return GROWTH.frame(rows)


def _fitted(points: Sequence[TimingRow]) -> GrowthRow:
    """The exponent through some points of a curve, in the order of their sizes, with its interval."""
    first, last = points[0], points[-1]
    logs = np.log([point.nodes for point in points])
    weights = (logs - logs.mean()) / np.sum((logs - logs.mean()) ** 2)
    exponent = float(weights @ [point.log_value for point in points])
    error = float(np.linalg.norm(weights * [point.standard_error for point in points]))
    degrees = min(point.degrees for point in points)
    half = float(student.ppf(0.975, degrees)) * error if degrees else math.nan
    return GrowthRow(
        subject=last.subject,
        device=last.device,
        dtype=last.dtype,
        classes=last.classes,
        batch=last.batch,
        features=last.features,
        metric=last.metric,
        nodes_from=first.nodes,
        nodes=last.nodes,
        exponent=exponent,
        ci_low=exponent - half,
        ci_high=exponent + half,
        standard_error=error,
        degrees=degrees,
    )
