"""The tables that compare the runs of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass

from difnet.tables.table import Table

ANALYSE = "difnet analyse RUN... --out FOLDER"


@dataclass(frozen=True)
class OriginRow:
    """One run that was compared."""

    variant: str
    """Its variant."""
    seed: int
    """Its seed."""
    identity: str
    """Hash of its configuration."""
    origin: str
    """The folders that it was found in, separated by `;`."""


@dataclass(frozen=True)
class SummaryRow:
    """A metric of one variant: mean over seeds with its 95% interval."""

    variant: str
    """The variant."""
    metric: str
    """The metric."""
    split: str
    """The split that was scored."""
    mean: float
    """Mean over seeds."""
    ci_low: float
    """Lower end of the interval."""
    ci_high: float
    """Upper end of the interval."""
    n_seeds: int
    """Number of seeds."""
    unit: str
    """What the interval is over."""


@dataclass(frozen=True)
class ComparisonRow:
    """A metric of one variant minus that of the reference, paired, with its corrected interval."""

    variant: str
    """The variant."""
    reference: str
    """The variant that it is compared with: the benchmark's reference, and in a second row of a swept variant
    the reference at the same values."""
    metric: str
    """The metric."""
    difference: float
    """Mean over the seeds that both have; empty where they have none in common."""
    ci_low: float
    """Lower end of the interval."""
    ci_high: float
    """Upper end of the interval."""
    confidence: float
    """Of the interval: corrected (Holm) over the comparisons in this metric, like `p_adjusted`; 0.95
    where there is no p-value."""
    p_value: float
    """Two-sided, against 0; empty with fewer than 3 seeds or 5 independent blocks of images."""
    p_adjusted: float
    """Corrected (Holm) over the comparisons in this metric."""
    effect_size: float
    """Difference over its standard deviation between seeds; between images where the seeds agree."""
    n: int
    """Seeds that both have."""
    n_images: int
    """Number of images."""
    detectable: float
    """The smallest true difference that would be found with 80% power."""
    unit: str
    """What the interval is over; `no common seed` where there are no numbers."""


@dataclass(frozen=True)
class ClaimRow:
    """The verdict on one claim of the paper."""

    claim: str
    """Its name in `workflow/claims.yaml`."""
    family: str
    """`confirmatory` or `exploratory`: the claims that it is corrected with."""
    verdict: str
    """`reproduced`, `not reproduced`, `inconclusive` or `not run`."""
    evidence: str
    """Its tests in words, for people; their numbers are in `claim_tests.csv`."""
    statement: str
    """What the paper claims."""
    p_value: float
    """Of the claim, two-sided, uncorrected; empty where nothing could be tested."""
    confidence: float
    """Of the corrected intervals of its tests; empty where nothing could be tested."""
    look: str
    """Which of the planned looks decided, or was the last; empty where one was planned."""
    remark: str
    """What limits the verdict: `two seeds`, `only for voc2012`; else empty."""
    detectable: float
    """Of an inconclusive verdict: the distance from the bound that these runs would have shown
    with 80% power."""
    effect: float
    """Of an inconclusive verdict: the distance from the bound that should be shown."""
    seeds_needed: float
    """Seeds that would show it, by the variance that was seen; `inf` where no number would; empty where it
    cannot be said."""
    paper: str
    """What the paper reports on these data; empty where it reports nothing."""


@dataclass(frozen=True)
class ClaimTestRow:
    """One of the tests that must all hold for a claim, so turned that the claim says `value > bound`."""

    claim: str
    """Name of the claim."""
    test: int
    """Place among the tests of the claim, from 1."""
    quantity: str
    """`difference`: of a score, variant - reference; `ratio`: of a cost, reference / variant; `exponent`: of
    the growth of a cost with the number of nodes, reference - variant."""
    metric: str
    """The score or cost."""
    variant: str
    """The side that the claim favours."""
    reference: str
    """The other side; all candidates, separated by ` | `, where no cost could be compared."""
    device: str
    """Where a cost was measured; empty for a score, or where none could be compared."""
    nodes: int
    """Size at which a cost decides; 0 for a score, or where none could be compared."""
    value: float
    """The difference, ratio or exponent."""
    ci_low: float
    """Lower end of its interval, at the corrected confidence of the claim."""
    ci_high: float
    """Upper end, corrected for the number of tests as well: one that fails decides against the claim."""
    bound: float
    """What the claim says is exceeded."""
    p_value: float
    """Two-sided, against the bound, uncorrected."""
    verdict: str
    """As for a claim, on this test alone."""
    optional: str
    """`yes` where the test counts only if it was run; else empty."""
    unit: str
    """What the interval is over."""
    status: str
    """`ok` or `not_run (reason)`; without a value, its interval and its p-value then."""


@dataclass(frozen=True)
class CourseRow:
    """The difference of a claim's test at one step of the trainings, turned as in `claim_tests.csv`."""

    claim: str
    """Name of the claim."""
    test: int
    """Place among the tests of the claim, from 1."""
    metric: str
    """The score."""
    variant: str
    """The side that the claim favours."""
    reference: str
    """The other side."""
    step: int
    """Steps done."""
    difference: float
    """Mean over the seeds that both have."""
    ci_low: float
    """Lower end of its 95% interval over seeds alone, uncorrected; empty with one seed."""
    ci_high: float
    """Upper end of the interval."""
    n: int
    """Seeds that both have."""
    unit: str
    """What the interval is over."""


@dataclass(frozen=True)
class ConvergenceRow:
    """Whether the training loss of a variant had stopped falling; the rule is in statistics.md."""

    variant: str
    """The variant."""
    n: int
    """Seeds with a history of enough rows."""
    steps: int
    """Steps of the training."""
    fall: float
    """Mean loss of the first tenth of the steps less that of the last tenth, mean over seeds."""
    late_fall: float
    """Mean loss of the tenth before three quarters of the steps less that of the last tenth."""
    standard_error: float
    """Of the late fall, by the spread of the rows of `history.csv`."""
    converged: str
    """`yes`, or empty where the loss was still falling."""


ORIGINS = Table("runs.csv", OriginRow, ANALYSE)
SUMMARY = Table("summary.csv", SummaryRow, ANALYSE)
COMPARISONS = Table("comparisons.csv", ComparisonRow, ANALYSE)
CLAIMS = Table("claims.csv", ClaimRow, ANALYSE)
CLAIM_TESTS = Table("claim_tests.csv", ClaimTestRow, ANALYSE)
COURSES = Table("courses.csv", CourseRow, ANALYSE)
CONVERGENCE = Table("convergence.csv", ConvergenceRow, ANALYSE)
