"""The tables that compare the runs of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass

from difnet.tables.table import Table

ANALYSE = "difnet analyse RUN... --out FOLDER"


@dataclass(frozen=True)
class OriginRow:
    """One run that was compared."""

    variant: str
    seed: int
    identity: str
    """Hash of its configuration."""
    origin: str
    """The folders that it was found in, separated by `;`."""


@dataclass(frozen=True)
class SummaryRow:
    """A metric of one variant: mean over seeds with its 95% interval."""

    variant: str
    metric: str
    split: str
    mean: float
    ci_low: float
    ci_high: float
    n_seeds: int
    unit: str
    """What the interval is over."""


@dataclass(frozen=True)
class ComparisonRow:
    """A metric of one variant minus that of the reference, paired, with its 95% interval."""

    variant: str
    reference: str
    metric: str
    difference: float
    ci_low: float
    ci_high: float
    p_value: float
    p_adjusted: float
    """Corrected (Holm) over the variants compared in this metric."""
    effect_size: float
    n: int
    """Seeds that both have."""
    n_images: int
    detectable: float
    """The smallest true difference that would be found with 80% power."""
    unit: str
    """What the interval is over; `no common seed` where there are no numbers."""


@dataclass(frozen=True)
class ClaimRow:
    """The verdict on one claim of the paper."""

    claim: str
    verdict: str
    """reproduced, not reproduced, inconclusive or not run."""
    evidence: str
    """The tests in words, for people; their numbers are in claim_tests.csv."""
    statement: str
    p_value: float
    """Of the claim: the largest of its tests."""
    confidence: float
    """Of the corrected intervals of its tests; nan where none was run."""
    remark: str
    """What limits the verdict: `on one seed`, `only for voc2012`; else empty."""
    paper: str
    """What the paper reports on these data; empty where it reports nothing."""


@dataclass(frozen=True)
class ClaimTestRow:
    """One of the tests that must all hold for a claim, so turned that the claim says `value > bound`."""

    claim: str
    test: int
    """Place among the tests of the claim, from 1."""
    quantity: str
    """difference, ratio or exponent."""
    metric: str
    variant: str
    reference: str
    device: str
    """Where a cost was measured; empty for a score."""
    nodes: int
    """Size at which a cost decides; 0 for a score."""
    value: float
    ci_low: float
    ci_high: float
    bound: float
    p_value: float
    verdict: str
    optional: str
    """`yes` where the test counts only if it was run."""
    unit: str
    """What the interval is over."""
    status: str
    """ok, or not_run (reason)."""


ORIGINS = Table("runs.csv", OriginRow, ANALYSE)
SUMMARY = Table("summary.csv", SummaryRow, ANALYSE)
COMPARISONS = Table("comparisons.csv", ComparisonRow, ANALYSE)
CLAIMS = Table("claims.csv", ClaimRow, ANALYSE)
CLAIM_TESTS = Table("claim_tests.csv", ClaimTestRow, ANALYSE)
