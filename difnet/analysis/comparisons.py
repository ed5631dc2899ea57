"""The tables of a study: mean of each variant, and its difference from the reference."""

from __future__ import annotations

import math

import pandas as pd

from difnet.analysis.holm import holm_adjusted
from difnet.analysis.study import Study
from difnet.analysis.tables import COMPARISONS, SUMMARY
from difnet.config.errors import InputError
from difnet.config.files import nearest


def summarise(study: Study) -> pd.DataFrame:
    """Mean over seeds of every metric and variant with its 95% interval (columns of `summary.csv`)."""
    rows = []
    for variant in study.variants:
        for metric in study.metrics:
            estimate = study.mean(variant, metric)
            low, high = estimate.interval()
            seeds = len(study.seeds(variant))
            rows.append((variant, metric, study.split, estimate.value, low, high, seeds, estimate.unit))
    return pd.DataFrame(rows, columns=list(SUMMARY))


def compare(study: Study, reference: str) -> pd.DataFrame:
    """Paired difference of every other variant from the reference (columns of `comparisons.csv`).

    Intervals are for one comparison, at 95%; ``p_adjusted`` is corrected (Holm) over the variants compared
    in the same metric. A variant without a seed in common with the reference has n = 0 and no numbers.

    Raises:
        InputError: the reference was not run.
    """
    if reference not in study.variants:
        raise InputError(f"the reference '{reference}' has no run{nearest(reference, study.variants)}")
    rows = [
        _row(study, variant, reference, metric)
        for metric in study.metrics
        for variant in study.variants
        if variant != reference
    ]
    table = pd.DataFrame(rows, columns=list(COMPARISONS))
    for metric in study.metrics:
        family = table["metric"] == metric
        table.loc[family, "p_adjusted"] = holm_adjusted(table.loc[family, "p_value"])
    return table


def _row(study: Study, variant: str, reference: str, metric: str) -> tuple[object, ...]:
    nan = math.nan
    if not set(study.seeds(variant)) & set(study.seeds(reference)):
        return (
            variant,
            reference,
            metric,
            nan,
            nan,
            nan,
            nan,
            nan,
            nan,
            0,
            study.images,
            nan,
            "no common seed",
        )
    estimate, effect, seeds = study.difference(variant, reference, metric)
    return (
        variant,
        reference,
        metric,
        estimate.value,
        *estimate.interval(),
        estimate.p_value(),
        nan,
        effect,
        seeds,
        study.images,
        estimate.detectable(),
        estimate.unit,
    )
