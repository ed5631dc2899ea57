"""Everything that one benchmark has produced so far; what is missing is noted, never filled in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from difnet.config import (
    AblationConfig,
    BenchmarkConfig,
    InputError,
    ablation_names,
    load_ablation,
    load_benchmark,
    load_run,
    resolve_run,
    select_ablations,
)
from difnet.report.files import read_json, read_table
from difnet.report.records import Comparison, Estimate, Growth, Judgement, Setting, Timing


@dataclass(frozen=True)
class Run:
    """One variant trained with one seed."""

    variant: str
    seed: int
    folder: Path
    config: str
    """The text of `config.yaml`, empty if there is none."""
    history: pd.DataFrame
    environment: dict[str, Any]
    scored: bool
    current: bool
    """Whether it was trained as the benchmark and the ablation now say."""

    @property
    def state(self) -> str:
        """How far the run has come."""
        if self.scored:
            return "finished"
        return "started, not scored" if self.config else "not run"


@dataclass(frozen=True)
class Variant:
    """One ablation in a benchmark, with its runs in the order of their seeds."""

    name: str
    ablation: AblationConfig
    runs: tuple[Run, ...]

    @property
    def title(self) -> str:
        """What readers see."""
        return self.ablation.title

    @property
    def finished(self) -> int:
        """Number of runs with scores."""
        return sum(run.scored for run in self.runs)


@dataclass(frozen=True)
class Results:
    """All that the report knows about one benchmark."""

    name: str
    folder: Path
    config: BenchmarkConfig
    data: dict[str, Any]
    """`data/index.json`, empty if there is none."""
    variants: tuple[Variant, ...]
    """The reference first, then the others in the order of the benchmark."""
    estimates: dict[str, dict[str, Estimate]]
    """By metric, then variant, on the split shown."""
    comparisons: dict[str, dict[str, Comparison]]
    """By metric, then variant, against the reference."""
    class_iou: dict[str, dict[str, float]]
    """Mean over seeds by class, then variant."""
    judgements: tuple[Judgement, ...]
    timings: tuple[Timing, ...]
    growth: tuple[Growth, ...]
    problems: tuple[str, ...]
    """Files that are missing or could not be read."""

    @property
    def split(self) -> str:
        """The split that the report shows."""
        return self.config.evaluate.split

    @property
    def reference(self) -> str:
        """Name of the variant that the others are compared with."""
        return self.config.reference

    @property
    def synthetic(self) -> bool:
        """Whether the images are generated."""
        return bool(self.data.get("synthetic", False))

    @property
    def data_title(self) -> str:
        """Name of the data set for readers."""
        return str(self.data.get("title") or self.config.data.name)

    @property
    def images(self) -> dict[str, int]:
        """Number of images of every split."""
        splits = self.data.get("splits")
        if not isinstance(splits, dict):
            return {}
        return {
            str(name): len(split["names"])
            for name, split in splits.items()
            if isinstance(split, dict) and isinstance(split.get("names"), list)
        }

    @property
    def classes(self) -> list[str]:
        """Class names in the order of their labels."""
        return [str(name) for name in self.data.get("classes", [])]

    def title_of(self, variant: str) -> str:
        """Title of a variant by name."""
        return next((item.title for item in self.variants if item.name == variant), variant)

    def in_order(self, names: Sequence[str]) -> list[str]:
        """Names of variants in the order of the report."""
        known = [variant.name for variant in self.variants if variant.name in names]
        return known + [name for name in names if name not in known]


def load_results(root: Path, results: Path, benchmark: str) -> Results:
    """Read everything that one benchmark has produced so far.

    Raises:
        InputError: If the benchmark does not exist or is not valid.
    """
    config = load_benchmark(root, benchmark)
    folder = results / benchmark
    problems: list[str] = []
    data = read_json(folder / "data" / "index.json", problems)
    names = ("scores", "summary", "comparisons", "claims", "timing", "growth")
    tables = {name: _rows(read_table(folder / f"{name}.csv", problems)) for name in names}
    return Results(
        name=benchmark,
        folder=folder,
        config=config,
        data=data,
        variants=tuple(
            _variant(root, folder, name, config.seeds) for name in _variant_names(root, folder, config)
        ),
        estimates=_estimates(tables["summary"], config.evaluate.split),
        comparisons=_comparisons(tables["comparisons"], config.reference),
        class_iou=_class_iou(tables["scores"], config.evaluate.split),
        judgements=tuple(Judgement(**row) for row in tables["claims"]),
        timings=tuple(_timing(row) for row in tables["timing"]),
        growth=tuple(_growth(row) for row in tables["growth"]),
        problems=tuple(problems),
    )


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _estimates(rows: list[dict[str, Any]], split: str) -> dict[str, dict[str, Estimate]]:
    estimates: dict[str, dict[str, Estimate]] = defaultdict(dict)
    for row in rows:
        if row["split"] == split:
            estimates[row["metric"]][row["variant"]] = Estimate(
                mean=row["mean"],
                low=row["ci_low"],
                high=row["ci_high"],
                seeds=row["n_seeds"],
                unit=row["unit"],
            )
    return estimates


def _comparisons(rows: list[dict[str, Any]], reference: str) -> dict[str, dict[str, Comparison]]:
    comparisons: dict[str, dict[str, Comparison]] = defaultdict(dict)
    for row in rows:
        if row["reference"] == reference:
            comparisons[row["metric"]][row["variant"]] = Comparison(
                difference=row["difference"],
                low=row["ci_low"],
                high=row["ci_high"],
                p_adjusted=row["p_adjusted"],
                detectable=row["detectable"],
                unit=row["unit"],
            )
    return comparisons


def _class_iou(rows: list[dict[str, Any]], split: str) -> dict[str, dict[str, float]]:
    wanted = [row for row in rows if row["metric"] == "iou" and row["split"] == split and row["class"]]
    if not wanted:
        return {}
    means: dict[str, dict[str, float]] = defaultdict(dict)
    for (name, variant), group in pd.DataFrame(wanted).groupby(["class", "variant"], sort=False):
        means[str(name)][str(variant)] = float(group["value"].mean())
    return means


def _timing(row: dict[str, Any]) -> Timing:
    setting = Setting(**{name: row[name] for name in ("subject", "device", "dtype", "classes", "batch")})
    return Timing(
        setting=setting,
        nodes=row["nodes"],
        metric=row["metric"],
        value=row["value"],
        low=row["ci_low"],
        high=row["ci_high"],
        status=row["status"],
    )


def _growth(row: dict[str, Any]) -> Growth:
    names = ("subject", "device", "dtype", "metric", "exponent")
    return Growth(**{name: row[name] for name in names}, low=row["ci_low"], high=row["ci_high"])


def _variant_names(root: Path, folder: Path, config: BenchmarkConfig) -> list[str]:
    """The variants that the benchmark selects, and any other that has runs."""
    try:
        planned = select_ablations(root, config)
    except InputError:
        planned = [config.reference]
    found = sorted(path.name for path in (folder / "runs").glob("*") if path.is_dir())
    return [*planned, *(name for name in found if name not in planned)]


def _variant(root: Path, folder: Path, name: str, seeds: Sequence[int]) -> Variant:
    known = name in ablation_names(root)
    ablation = load_ablation(root, name) if known else AblationConfig(title=name, question="")
    suffixes = [path.name.removeprefix("seed") for path in (folder / "runs" / name).glob("seed*")]
    found = {int(suffix) for suffix in suffixes if suffix.isdecimal()}
    runs = tuple(
        _run(root, folder / "runs" / name / f"seed{seed}", name, seed) for seed in sorted({*seeds, *found})
    )
    return Variant(name=name, ablation=ablation, runs=runs)


def _run(root: Path, folder: Path, variant: str, seed: int) -> Run:
    """A run; a history or environment that is missing is shown beside the run, so it needs no remark."""
    config = folder / "config.yaml"
    return Run(
        variant=variant,
        seed=seed,
        folder=folder,
        config=config.read_text(encoding="utf-8", errors="replace") if config.is_file() else "",
        history=read_table(folder / "history.csv", []),
        environment=read_json(folder / "environment.json", []),
        scored=(folder / "scores.csv").is_file(),
        current=_is_current(root, folder),
    )


def _is_current(root: Path, folder: Path) -> bool:
    """Whether a run was configured as its benchmark and ablation now say; true where that is not known."""
    try:
        stored = load_run(folder)
        planned = resolve_run(root, benchmark=stored.benchmark, ablation=stored.variant, seed=stored.seed)
    except InputError:
        return True
    return stored.training_identity() == planned.training_identity()
