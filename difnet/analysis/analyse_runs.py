"""The analysis stage: run folders and cost tables in, tables of means, differences and verdicts out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from difnet.analysis.estimates import CONFIDENCE, Component, Estimate, holm_adjusted, holm_confidence
from difnet.analysis.runs import read_runs
from difnet.analysis.study import Study
from difnet.analysis.training_course import convergence, courses
from difnet.analysis.verdicts import judge
from difnet.config.claims import read_claims
from difnet.config.errors import InputError
from difnet.config.suggestions import nearest
from difnet.config.variants import same_values
from difnet.tables import (
    CLAIM_TESTS,
    CLAIMS,
    COMPARISONS,
    CONVERGENCE,
    COURSES,
    GROWTH,
    ORIGINS,
    SCORES,
    SUMMARY,
    TIMING,
    ComparisonRow,
    OriginRow,
    SummaryRow,
    Table,
    check_ours,
)

UNKNOWN = Estimate(math.nan, (Component(math.nan, math.inf),), "no common seed")
"""The difference of variants that cannot be compared."""


def analyse_runs(
    run_directories: Sequence[Path],
    *,
    reference: str,
    claims: Path,
    timing: Path | None,
    growth: Path | None,
    out: Path,
    looks: Sequence[int] = (),
) -> None:
    """Write the tables of `difnet/tables/study_tables.py`, and all runs' scores.

    All are computed before the first is written.

    Args:
        run_directories: Folders `runs/<variant>/seed<k>`, from one or several results folders; copies of
            one run are merged, and `runs.csv` keeps where each was found.
        reference: The variant that every other one is compared with.
        claims: `workflow/claims.yaml`.
        timing: `timing.csv`, None when nothing was timed.
        growth: `growth.csv`, None when nothing was timed.
        out: Folder for the tables.
        looks: Numbers of seeds after which verdicts were planned; none for one look at all seeds.

    Raises:
        InputError: For bad input, in one line that names the file and the remedy.
    """
    written: tuple[Table[Any], ...] = (
        *(SCORES, ORIGINS, SUMMARY, COMPARISONS, CLAIMS, CLAIM_TESTS),
        *(COURSES, CONVERGENCE),
    )
    check_ours(*(out / table.name for table in written))
    claim_file = read_claims(claims)
    timings = TIMING.rows(TIMING.read(timing)) if timing else []
    exponents = GROWTH.rows(GROWTH.read(growth)) if growth else []
    runs = read_runs(list(run_directories))
    study = Study(runs)
    origins = [
        OriginRow(run.config.variant, run.config.seed, run.identity, ";".join(run.origins)) for run in runs
    ]
    verdicts, tests = judge(claim_file, study, timings, exponents, looks)
    frames = (
        pd.concat([run.scores for run in runs], ignore_index=True),
        ORIGINS.frame(origins),
        SUMMARY.frame(summarise(study)),
        COMPARISONS.frame(compare(study, reference)),
        CLAIMS.frame(verdicts),
        CLAIM_TESTS.frame(tests),
        COURSES.frame(courses(claim_file, runs)),
        CONVERGENCE.frame(convergence(runs)),
    )
    for table, frame in zip(written, frames, strict=True):
        table.write(frame, out / table.name)


def summarise(study: Study) -> list[SummaryRow]:
    """Mean over seeds of every metric and variant with its 95% interval."""
    rows = []
    for variant in study.variants:
        for metric in study.metrics:
            estimate = study.mean(variant, metric)
            low, high = estimate.interval()
            seeds = len(study.seeds(variant))
            rows.append(
                SummaryRow(variant, metric, study.split, estimate.value, low, high, seeds, estimate.unit)
            )
    return rows


def compare(study: Study, reference: str) -> list[ComparisonRow]:
    """Paired difference of every other variant from the reference in every metric.

    A swept variant is compared with the reference at its own values as well: what it gains there. Intervals
    and `p_adjusted` are corrected (Holm) over all comparisons in the same metric. One of variants
    without a common seed has n = 0 and no numbers.

    Raises:
        InputError: If the reference was not run.
    """
    if reference not in study.variants:
        raise InputError(f"the reference '{reference}' has no run{nearest(reference, study.variants)}")
    pairs = [(variant, reference) for variant in study.variants if variant != reference]
    pairs += same_values(study.variants, reference)
    rows = []
    for metric in study.metrics:
        family = [_difference(study, variant, other, metric) for variant, other in pairs]
        p_values = [estimate.p_value() for estimate, _, _ in family]
        for (variant, other), found, p, adjusted, level in zip(
            pairs,
            family,
            p_values,
            holm_adjusted(p_values).tolist(),
            holm_confidence(p_values).tolist(),
            strict=True,
        ):
            estimate, effect, seeds = found
            confidence = CONFIDENCE if math.isnan(level) else level
            low, high = estimate.interval(confidence)
            row = ComparisonRow(
                variant=variant,
                reference=other,
                metric=metric,
                difference=estimate.value,
                ci_low=low,
                ci_high=high,
                confidence=confidence,
                p_value=p,
                p_adjusted=adjusted,
                effect_size=effect,
                n=seeds,
                n_images=study.images,
                detectable=estimate.detectable(confidence),
                unit=estimate.unit,
            )
            rows.append(row)
    return rows


def _difference(study: Study, variant: str, reference: str, metric: str) -> tuple[Estimate, float, int]:
    """One difference, its effect size and number of seeds; of no seed in common, no numbers."""
    if study.common_seeds(variant, reference):
        return study.difference(variant, reference, metric)
    return UNKNOWN, math.nan, 0
