"""Cost claims from `timing.csv` and `growth.csv`: who is cheaper at the largest size, who grows faster."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from scipy.stats import norm

from difnet.analysis.claim_schema import CostClaim
from difnet.analysis.estimates import CONFIDENCE, Component, Estimate
from difnet.analysis.tables import GROWTH, TIMING, read_csv
from difnet.analysis.verdicts import Part

UNIT = "repeats"
SETTING = ["device", "dtype", "classes", "batch"]


def cost_parts(claim: CostClaim, timing: Path | None, growth: Path | None) -> list[Part]:
    """Two tests a metric: the log ratio of costs at the largest common size, and the exponents' difference.

    Raises:
        InputError: a table is missing, not readable, or holds a word where a number belongs.
    """
    timings = None if timing is None else read_csv(timing, TIMING)
    exponents = None if growth is None else read_csv(growth, GROWTH)
    parts = []
    for metric in claim.metrics:
        pair = None if timings is None else _deciding_pair(timings, claim, metric)
        parts.append(_ratio_part(claim, metric, pair))
        parts.append(_exponent_part(claim, metric, pair, exponents))
    return parts


def _deciding_pair(
    timings: pd.DataFrame, claim: CostClaim, metric: str
) -> tuple[pd.Series, pd.Series] | None:
    """The rows of the variant and of the cheapest reference at the largest size that both can do.

    Of several devices and precisions, the one that reaches the largest size decides.
    """
    rows = timings[(timings["metric"] == metric) & (timings["status"] == "ok") & (timings["value"] > 0)]
    best: tuple[pd.Series, pd.Series] | None = None
    for _, group in rows.groupby([*SETTING, "nodes"], sort=True):
        own = group[group["subject"] == claim.variant]
        others = group[group["subject"].isin(claim.references)]
        if own.empty or others.empty:
            continue
        pair = (own.iloc[0], others.sort_values("value").iloc[0])
        if best is None or pair[0]["nodes"] > best[0]["nodes"]:
            best = pair
    return best


def _ratio_part(claim: CostClaim, metric: str, pair: tuple[pd.Series, pd.Series] | None) -> Part:
    null = math.log(claim.ratio)
    if pair is None:
        return Part(f"{metric} ratio, {_names(claim)}", None, null, logarithmic=True)
    own, other = pair
    label = f"{metric} {other['subject']} / {claim.variant} at N = {own['nodes']:.0f} on {own['device']}"
    own_variance, other_variance = (
        _variance(math.log(row["ci_low"]), math.log(row["ci_high"])) if row["ci_low"] > 0 else math.nan
        for row in pair
    )
    value = math.log(other["value"] / own["value"])
    return Part(label, _estimate(value, own_variance + other_variance), null, logarithmic=True)


def _exponent_part(
    claim: CostClaim, metric: str, pair: tuple[pd.Series, pd.Series] | None, exponents: pd.DataFrame | None
) -> Part:
    missing = Part(f"{metric} growth exponent, {_names(claim)}", None, claim.exponent_margin)
    if pair is None or exponents is None:
        return missing
    own, other = pair
    rows = []
    for subject in (claim.variant, other["subject"]):
        same = exponents[
            (exponents["subject"] == subject)
            & (exponents["device"] == own["device"])
            & (exponents["dtype"] == own["dtype"])
            & (exponents["metric"] == metric)
            & exponents["exponent"].notna()
        ]
        if same.empty:
            return missing
        rows.append(same.iloc[0])
    value = float(rows[1]["exponent"] - rows[0]["exponent"])
    variance = sum(_variance(row["ci_low"], row["ci_high"]) for row in rows)
    label = f"{metric} growth exponent {other['subject']} - {claim.variant} on {own['device']}"
    return Part(label, _estimate(value, variance), claim.exponent_margin)


def _names(claim: CostClaim) -> str:
    return f"{claim.variant} against {' | '.join(claim.references)}"


def _variance(low: float, high: float) -> float:
    """Variance of a normal estimate from its 95% interval; nan when the interval is."""
    return float(((high - low) / (2 * norm.isf((1 - CONFIDENCE) / 2))) ** 2)


def _estimate(value: float, variance: float) -> Estimate:
    return Estimate(float(value), (Component(float(variance), math.inf),), UNIT)
