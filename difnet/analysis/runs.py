"""Evaluated runs, read from their folders, checked, and merged by identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from difnet.config.errors import InputError
from difnet.config.run_config import RunConfig
from difnet.config.run_folder import load_run
from difnet.metrics import scores_from_statistics
from difnet.tables import ALONG, HISTORY, SCORES, PerImage, Table

AGREEMENT = 1e-9
"""Largest difference between a stored score and the one that the statistics give."""


@dataclass(frozen=True, repr=False)
class Run:
    """One evaluated run.

    Attributes:
        config: The resolved configuration.
        scores: Its `scores.csv`.
        statistics: Its `per_image.parquet`.
        origins: The folders it was read from.
        along: Its `along.csv`; without rows where there is none.
        history: Its `history.csv`; likewise.
    """

    config: RunConfig
    scores: pd.DataFrame
    statistics: PerImage
    origins: tuple[str, ...]
    along: pd.DataFrame = field(default_factory=ALONG.frame)
    history: pd.DataFrame = field(default_factory=HISTORY.frame)

    def __repr__(self) -> str:
        """Name, benchmark and number of images on one line."""
        return f"Run({self.name} of {self.config.benchmark}, {len(self.statistics.groups)} images)"

    @property
    def name(self) -> str:
        """Variant and seed."""
        return f"{self.config.variant}/seed{self.config.seed}"

    @property
    def identity(self) -> str:
        """Hash of the configuration, whatever the order of its keys."""
        values = json.dumps(self.config.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(values.encode()).hexdigest()[:16]


def read_runs(directories: Sequence[Path]) -> list[Run]:
    """Read runs, keep one of identical copies, and check that all saw the same images.

    Args:
        directories: Folders `.../runs/<variant>/seed<k>`, from one or several results folders.

    Returns:
        The runs sorted by variant and seed; a run that was found several times names all its origins.

    Raises:
        InputError: If there is no folder, a file is unreadable or inconsistent, two runs of one variant and
            seed disagree, or runs differ in more than their variants name.
    """
    if not directories:
        raise InputError("no run to analyse; train and evaluate at least one variant first")
    merged: dict[tuple[str, int], Run] = {}
    for directory in directories:
        run = read_run(directory)
        key = (run.config.variant, run.config.seed)
        merged[key] = _joined(merged[key], run) if key in merged else run
    runs = [merged[key] for key in sorted(merged)]
    first_of = {run.config.variant: run for run in reversed(runs)}
    for run in runs[1:]:
        for other in (first_of[run.config.variant], runs[0]):
            _check_like_with_like(other, run)
    return runs


def read_run(directory: Path) -> Run:
    """Read one run folder.

    Raises:
        InputError: If a file is missing, truncated or foreign, or the scores are not those of the statistics.
    """
    config = load_run(directory)
    scores = SCORES.read(directory / "scores.csv")
    statistics = PerImage.read(directory / "per_image.parquet")
    labelled = (scores["variant"] == config.variant) & (scores["seed"] == config.seed)
    if not labelled.all() or scores.empty:
        raise InputError(
            f"{directory}/scores.csv is not of {config.variant}, seed {config.seed}; evaluate again"
        )
    if scores["split"].nunique() != 1:
        raise InputError(f"{directory}/scores.csv mixes splits; keep one split a run")
    _check_scores(scores, statistics, directory)
    along, history = _optional(ALONG, directory), _optional(HISTORY, directory)
    return Run(config, scores, statistics, (str(directory),), along, history)


def _optional(table: Table[Any], directory: Path) -> pd.DataFrame:
    """A table that no verdict rests on: without rows where the folder has none."""
    path = directory / table.name
    return table.read(path) if path.is_file() else table.frame()


def _check_scores(scores: pd.DataFrame, statistics: PerImage, directory: Path) -> None:
    """The scores, of means and of classes, are those that the statistics give.

    Raises:
        InputError: If one differs or only one side has it.
    """
    given = scores_from_statistics(statistics, [name for name in scores["class"].unique() if name])
    stored, computed = (
        dict(zip(zip(frame["metric"], frame["class"], strict=True), frame["value"], strict=True))
        for frame in (scores, given)
    )
    for metric, label in {**computed, **stored}:
        found, expected = (values.get((metric, label)) for values in (stored, computed))
        if found is None or expected is None or not _agree(found, expected):
            raise InputError(
                f"{directory}: {metric}{label and f' of {label}'} is {_shown(found)} in scores.csv but "
                f"{_shown(expected)} by per_image.parquet; evaluate again"
            )


def _joined(first: Run, second: Run) -> Run:
    """One run from two copies of it.

    Raises:
        InputError: If they are not copies.
    """
    places = f"{first.origins[0]} and {second.origins[0]}"
    if first.identity != second.identity:
        raise InputError(f"{first.name} has different configurations in {places}; analyse one of them only")
    columns = ["metric", "class", "value"]
    one, two = (
        run.scores[columns].sort_values(columns[:2]).reset_index(drop=True) for run in (first, second)
    )
    if not one.equals(two):
        raise InputError(
            f"{first.name} has one configuration but different scores in {places}; analyse one of them only"
        )
    return replace(first, origins=first.origins + second.origins)


def _check_like_with_like(first: Run, second: Run) -> None:
    """Same images, true labels and recipe, but for what the two variants name.

    Raises:
        InputError: If they differ.
    """
    problem = ""
    if set(first.scores["split"]) != set(second.scores["split"]):
        problem = "the split"
    elif difference := first.config.difference(second.config):
        problem = f"{difference}, which no ablation names"
    elif first.statistics.names != second.statistics.names:
        problem = "their images"
    elif first.statistics.labels != second.statistics.labels:
        problem = "the version of the labels"
    if problem:
        places = f"{first.origins[0]} and {second.origins[0]}"
        raise InputError(f"{places} differ in {problem}; compare like with like")


def _agree(stored: float, computed: float) -> bool:
    return bool(np.isclose(stored, computed, rtol=0, atol=AGREEMENT, equal_nan=True))


def _shown(value: float | None) -> str:
    return "missing" if value is None else str(value)
