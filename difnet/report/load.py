"""Everything that one benchmark has produced so far; what is missing is noted, never filled in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from difnet.config import BenchmarkConfig, load_benchmark
from difnet.report.files import read_json, read_table
from difnet.report.pictures import Pictures, read_pictures
from difnet.report.records import (
    Comparison,
    Estimate,
    Growth,
    Judgement,
    Selection,
    Setting,
    Share,
    Timing,
)
from difnet.report.variants import Variant, VariantLoader

EVERYTHING = Selection()
BUDGET_BYTES = 11_000_000
"""What the pictures of a page may take; with text and figures it stays below 15 MB."""


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
    breakdown: tuple[Share, ...]
    pictures: Pictures | None
    problems: tuple[str, ...]
    """Files that are missing or could not be read."""
    budget: int
    """Bytes that its pictures may take in the page."""

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

    @property
    def palette(self) -> NDArray[np.uint8]:
        """Colour of every class, (C, 3)."""
        return np.array(self.data.get("palette") or np.zeros((0, 3)), dtype=np.uint8).reshape(-1, 3)

    def title_of(self, variant: str) -> str:
        """Title of a variant by name."""
        return next((item.title for item in self.variants if item.name == variant), variant)

    def in_order(self, names: Sequence[str]) -> list[str]:
        """Names of variants in the order of the report."""
        known = [variant.name for variant in self.variants if variant.name in names]
        return known + [name for name in names if name not in known]


def load_results(
    root: Path,
    results: Path,
    benchmark: str,
    selection: Selection = EVERYTHING,
    *,
    budget: int = BUDGET_BYTES,
) -> Results:
    """Read everything that one benchmark has produced so far.

    Args:
        root: The project's folder.
        results: The folder with one folder a benchmark.
        benchmark: Its name.
        selection: What replaces the benchmark's own ablations and seeds.
        budget: Bytes that its pictures may take in the page.

    Raises:
        InputError: If the benchmark does not exist or is not valid.
    """
    config = selection.applied(load_benchmark(root, benchmark))
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
        variants=VariantLoader(root, folder, config, selection.assignments).load(),
        estimates=_estimates(tables["summary"], config.evaluate.split),
        comparisons=_comparisons(tables["comparisons"], config.reference),
        class_iou=_class_iou(tables["scores"], config.evaluate.split),
        judgements=tuple(Judgement(**row) for row in tables["claims"]),
        timings=tuple(_timing(row) for row in tables["timing"]),
        growth=tuple(_growth(row) for row in tables["growth"]),
        breakdown=_breakdown(folder / "timing" / "breakdown.csv", problems),
        pictures=read_pictures(folder / "gallery.npz", problems),
        problems=tuple(problems),
        budget=budget,
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


def _breakdown(path: Path, problems: list[str]) -> tuple[Share, ...]:
    """Parts of a training step; none where they were not measured, which is no problem."""
    return tuple(Share(**row) for row in _rows(read_table(path, problems))) if path.is_file() else ()


def _growth(row: dict[str, Any]) -> Growth:
    names = ("subject", "device", "dtype", "metric", "exponent")
    return Growth(**{name: row[name] for name in names}, low=row["ci_low"], high=row["ci_high"])
