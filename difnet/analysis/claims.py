"""Judge every claim of the paper from the study's differences and the cost tables."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from difnet.analysis.claim_schema import ClaimFile, CostClaim, DifferenceClaim
from difnet.analysis.costs import cost_parts
from difnet.analysis.holm import holm_confidence
from difnet.analysis.study import Study
from difnet.analysis.tables import CLAIMS
from difnet.analysis.verdicts import Part, claim_p_value, claim_verdict
from difnet.config.errors import InputError


def judge(file: ClaimFile, study: Study, timing: Path | None, growth: Path | None) -> pd.DataFrame:
    """Verdict and evidence of every claim (columns of `claims.csv`).

    The family of the correction is all claims that could be tested; a claim of several parts enters it
    with its largest p-value, since all parts must hold.

    Args:
        file: what ``read_claims`` returned.
        study: the runs.
        timing: `timing.csv`, None when nothing was timed.
        growth: `growth.csv`, None when nothing was timed.

    Raises:
        InputError: a claim names an unknown metric, or a cost table cannot be read.
    """
    parts = [
        cost_parts(claim, timing, growth)
        if isinstance(claim, CostClaim)
        else _difference_parts(claim, study, file.equivalence)
        for claim in file.claims
    ]
    in_scope = [claim.scope == "all" or study.dataset in claim.scope for claim in file.claims]
    p_values = [
        claim_p_value(group) if wanted else math.nan for group, wanted in zip(parts, in_scope, strict=True)
    ]
    confidences = np.nan_to_num(holm_confidence(p_values), nan=0.95)
    rows = []
    for claim, group, wanted, p, confidence in zip(
        file.claims, parts, in_scope, p_values, confidences, strict=True
    ):
        if not wanted:
            rows.append((claim.id, "not run", f"{claim.statement}: only for {', '.join(claim.scope)}"))
            continue
        evidence = [claim.statement, *(_part_evidence(part, float(confidence)) for part in group)]
        if not math.isnan(p):
            evidence.append(f"p = {p:.2g}, interval corrected to {confidence:.2%}")
        evidence += [f"paper: {item.figures}" for item in claim.paper if item.dataset == study.dataset]
        rows.append((claim.id, claim_verdict(group, float(confidence)), "; ".join(evidence)))
    return pd.DataFrame(rows, columns=list(CLAIMS))


def _difference_parts(claim: DifferenceClaim, study: Study, equivalence: float) -> list[Part]:
    """One test a pair, with the difference turned so that the claim says it exceeds the bound.

    Raises:
        InputError: the metric is unknown.
    """
    if claim.metric not in study.metrics:
        known = ", ".join(study.metrics)
        raise InputError(f"claim {claim.id}: unknown metric '{claim.metric}'; known are {known}")
    superiority = claim.form == "superiority"
    parts = []
    for test in claim.tests:
        better, worse = (test.variant, test.reference)
        if claim.direction == "lower":
            better, worse = worse, better
        common = set(study.seeds(better)) & set(study.seeds(worse))
        estimate = study.difference(better, worse, claim.metric)[0] if common else None
        parts.append(
            Part(
                label=f"{claim.metric} {better} - {worse}",
                estimate=estimate,
                null=claim.margin if superiority else -claim.margin,
                equivalence=equivalence if superiority else 0.0,
                optional=test.optional,
            )
        )
    return parts


def _part_evidence(part: Part, confidence: float) -> str:
    """One test in words: value, interval, bound and unit."""
    if part.estimate is None:
        return f"{part.label}: not run"
    numbers = (part.estimate.value, *part.estimate.interval(confidence), part.null)
    if part.logarithmic:
        value, low, high, null = (f"{math.exp(number):.3g}" for number in numbers)
    else:
        value, low, high = (f"{number:+.4f}" for number in numbers[:3])
        null = f"{part.null:g}"
    return f"{part.label} = {value} [{low}, {high}], claimed > {null}, over {part.estimate.unit}"
