"""Everything that one benchmark has produced so far; what is missing is noted, never filled in."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from difnet.config import BenchmarkPlan, training_steps
from difnet.config.errors import InputError
from difnet.data.store import DataIndex, read_index
from difnet.report.gallery_file import GalleryFile, read_gallery
from difnet.report.numbers import listing
from difnet.report.rows import read_rows, timed_variant
from difnet.report.run_records import ReplacedRun, VariantRuns, read_replaced, read_variants
from difnet.tables import (
    BREAKDOWN,
    CLAIM_TESTS,
    CLAIMS,
    COMPARISONS,
    CONVERGENCE,
    COURSES,
    FEATURES,
    GROWTH,
    ORIGINS,
    SCORES,
    SUMMARY,
    TIMING,
    BreakdownRow,
    ClaimRow,
    ClaimTestRow,
    ComparisonRow,
    CourseRow,
    FeatureRow,
    GrowthRow,
    OriginRow,
    ScoreRow,
    SummaryRow,
    TimingRow,
)

Scored = TypeVar("Scored", SummaryRow, ComparisonRow)
Tested = TypeVar("Tested", ClaimTestRow, CourseRow)

BUDGET_BYTES = 11_000_000
"""What the pictures of a page may take; with text and figures it stays below 15 MB."""


@dataclass(frozen=True)
class Results:
    """All that the report knows about one benchmark: its plan, and what its runs have come to."""

    folder: Path
    plan: BenchmarkPlan
    data: DataIndex
    """Of its data set; empty if there is none."""
    variants: tuple[VariantRuns, ...]
    """The reference first, then the others in the order of the plan."""
    replaced: tuple[ReplacedRun, ...]
    estimates: dict[str, dict[str, SummaryRow]]
    """By metric, then variant, on the split shown."""
    comparisons: dict[str, dict[str, ComparisonRow]]
    """By metric, then variant, against the reference."""
    gains: dict[str, dict[str, ComparisonRow]]
    """By metric, then swept variant, against the reference at the same values."""
    class_iou: dict[str, dict[str, float]]
    """Mean over seeds by class, then variant."""
    seeds: dict[str, dict[str, dict[int, float]]]
    """The score of every run by metric, then variant, then seed, on the split shown."""
    claims: tuple[ClaimRow, ...]
    claim_tests: dict[str, list[ClaimTestRow]]
    """By claim, in their order."""
    courses: dict[str, list[CourseRow]]
    """Differences along training by claim, of each of its tests by step."""
    not_converged: frozenset[str]
    """Variants whose training loss was still falling at the end."""
    timings: tuple[TimingRow, ...]
    growth: tuple[GrowthRow, ...]
    features: tuple[FeatureRow, ...]
    breakdown: tuple[BreakdownRow, ...]
    gallery: GalleryFile | None
    problems: tuple[str, ...]
    """Files that are missing, damaged, or of other runs than the planned ones."""
    budget: int
    """Bytes that its pictures may take in the page."""

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.plan.folder

    @property
    def split(self) -> str:
        """The split that the report shows."""
        return self.plan.evaluate.split

    @property
    def reference(self) -> str:
        """Name of the variant that the others are compared with."""
        return self.plan.reference

    @property
    def title(self) -> str:
        """What readers see."""
        return title_of(self.plan)

    @property
    def untrained(self) -> frozenset[str]:
        """Variants that see no network at all, such as the pixel prior: axes need not reach them."""
        configs = {variant.name: variant.plan.config for variant in self.variants}
        return frozenset(
            name for name, run in configs.items() if not training_steps(run) and not run.weights_of
        )

    @property
    def palette(self) -> NDArray[np.uint8]:
        """Colour of every class, (C, 3)."""
        return np.array(self.data.palette, dtype=np.uint8).reshape(-1, 3)

    def title_of(self, variant: str) -> str:
        """Title of a variant by name."""
        return next((item.title for item in self.variants if item.name == variant), variant)

    def seed_scores(self, metric: str, variant: str) -> dict[int, float]:
        """The finite scores of a variant by seed."""
        scores = self.seeds.get(metric, {}).get(variant, {})
        return {seed: score for seed, score in scores.items() if math.isfinite(score)}

    def in_order(self, names: Collection[str]) -> list[str]:
        """Names of variants in the order of the report."""
        return [variant.name for variant in self.variants if variant.name in names]


def title_of(plan: BenchmarkPlan) -> str:
    """Title of a benchmark for readers, with what `set` changes of its recipe."""
    return f"{plan.title} {plan.folder.removeprefix(plan.benchmark)}".strip()


def load_results(folder: Path, plan: BenchmarkPlan, *, budget: int = BUDGET_BYTES) -> Results:
    """Read what the planned runs of one benchmark have produced so far.

    Runs and rows of variants or seeds that are not in the plan are left out, whatever lies in the folder.

    Args:
        folder: Its folder of results.
        plan: The plan in it.
        budget: Bytes that its pictures may take in the page.
    """
    problems: list[str] = []
    variants = read_variants(folder, plan, problems)
    names = {variant.name for variant in variants}
    origins = read_rows(ORIGINS, folder, problems)
    unplanned = _unplanned(origins, variants)
    compared = names - {row.variant for row in unplanned}
    problems += _analysed(folder, origins, unplanned, variants)
    claims = read_rows(CLAIMS, folder, problems)
    tests = read_rows(CLAIM_TESTS, folder, problems)
    scores = [
        row
        for row in read_rows(SCORES, folder, problems)
        if row.variant in names and row.seed in plan.seeds and row.split == plan.evaluate.split
    ]
    # Not every benchmark measures a step: no table of its parts is no problem.
    steps_timed = (folder / BREAKDOWN.name).is_file() and plan.timing
    shares = read_rows(BREAKDOWN, folder, problems) if steps_timed else []
    # What an earlier plan timed is no result of one that times nothing.
    timings, growth, features = (
        read_rows(table, folder, problems) if plan.timing else [] for table in (TIMING, GROWTH, FEATURES)
    )
    comparisons = [
        row for row in read_rows(COMPARISONS, folder, problems) if {row.variant, row.reference} <= compared
    ]
    return Results(
        folder=folder,
        plan=plan,
        # Folders of other recipes share the data of the benchmark.
        data=_data_index(folder.parent / plan.benchmark / "data", plan, problems),
        variants=variants,
        replaced=read_replaced(folder),
        estimates=_by_metric(
            row
            for row in read_rows(SUMMARY, folder, problems)
            if row.split == plan.evaluate.split and row.variant in compared
        ),
        comparisons=_by_metric(row for row in comparisons if row.reference == plan.reference),
        gains=_by_metric(row for row in comparisons if row.reference != plan.reference),
        class_iou=_class_iou(scores),
        seeds=_by_seed(scores),
        # A claim rests on several variants, and its correction on all claims.
        claims=() if unplanned else tuple(claims),
        claim_tests={} if unplanned else _by_claim(tests),
        courses={} if unplanned else _by_claim(read_rows(COURSES, folder, problems)),
        not_converged=frozenset(
            row.variant for row in read_rows(CONVERGENCE, folder, problems) if row.converged != "yes"
        ),
        timings=tuple(row for row in timings if timed_variant(row) in {"", *names}),
        growth=tuple(growth),
        features=tuple(features),
        breakdown=tuple(row for row in shares if row.variant in names),
        gallery=read_gallery(folder / "gallery.npz", plan, problems),
        problems=tuple(problems),
        budget=budget,
    )


def _unplanned(origins: Sequence[OriginRow], variants: Sequence[VariantRuns]) -> list[OriginRow]:
    planned = {(run.variant, run.seed) for variant in variants for run in variant.runs}
    return [row for row in origins if (row.variant, row.seed) not in planned]


def _analysed(
    folder: Path,
    origins: Sequence[OriginRow],
    unplanned: Sequence[OriginRow],
    variants: Sequence[VariantRuns],
) -> list[str]:
    """Remarks where the analysis was not of the planned and finished runs."""
    table, remarks = folder / ORIGINS.name, []
    if unplanned:
        names = listing([f"{row.variant} seed {row.seed}" for row in unplanned])
        remarks.append(
            f"{table}: the analysis included runs that are not planned ({names}); what rests on them and the "
            "claims are left out; analyse the planned runs again"
        )
    known = {(row.variant, row.seed) for row in origins}
    waiting = [
        run.name
        for variant in variants
        for run in variant.runs
        if origins and run.finished and (run.variant, run.seed) not in known
    ]
    if waiting:
        remarks.append(f"{table}: finished but not analysed yet: {listing(waiting)}")
    return remarks


def _data_index(directory: Path, plan: BenchmarkPlan, problems: list[str]) -> DataIndex:
    try:
        return read_index(directory)
    except InputError as error:
        problems.append(str(error))
    name = plan.data.name
    empty: dict[str, Any] = {"synthetic": False, "classes": (), "palette": (), "splits": {}}
    return DataIndex(name=name, title=name, citation="", sha256="", checksums={}, **empty)


def _by_metric(rows: Iterable[Scored]) -> dict[str, dict[str, Scored]]:
    """Rows by metric, then variant."""
    found: dict[str, dict[str, Scored]] = defaultdict(dict)
    for row in rows:
        found[row.metric][row.variant] = row
    return found


def _class_iou(rows: Sequence[ScoreRow]) -> dict[str, dict[str, float]]:
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.metric == "iou":
            values[row.class_][row.variant].append(row.value)
    return {name: {variant: _mean(found) for variant, found in row.items()} for name, row in values.items()}


def _by_seed(rows: Sequence[ScoreRow]) -> dict[str, dict[str, dict[int, float]]]:
    found: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        if not row.class_:
            found[row.metric][row.variant][row.seed] = row.value
    return found


def _mean(values: Sequence[float]) -> float:
    """Mean of the values that are there; nan where there is none."""
    there = [value for value in values if math.isfinite(value)]
    return fmean(there) if there else math.nan


def _by_claim(tests: Sequence[Tested]) -> dict[str, list[Tested]]:
    found: dict[str, list[Tested]] = defaultdict(list)
    for test in sorted(tests, key=lambda test: test.test):
        found[test.claim].append(test)
    return found
