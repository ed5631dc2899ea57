"""Evaluated runs, read from their folders, checked, and merged by identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from difnet.config.errors import InputError
from difnet.config.run_folder import load_run
from difnet.config.schema import RunConfig
from difnet.metrics.per_image import read_statistics, stacked
from difnet.metrics.scores import Score, mean_scores
from difnet.tables import SCORES

AGREEMENT = 1e-9
"""Largest difference between a stored score and the one that the statistics give."""


@dataclass(frozen=True)
class Run:
    """One evaluated run.

    Attributes:
        config: the resolved configuration.
        scores: its `scores.csv`.
        statistics: its `per_image.parquet`.
        means: the scores over all classes, with what each image adds to them.
        origins: the folders it was read from.
    """

    config: RunConfig
    scores: pd.DataFrame
    statistics: pd.DataFrame
    means: list[Score]
    origins: tuple[str, ...]

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
        directories: folders `.../runs/<variant>/seed<k>`, from one or several results folders.

    Returns:
        The runs sorted by variant and seed; a run that was found several times names all its origins.

    Raises:
        InputError: no folder; an unreadable or inconsistent file; two runs of one variant and seed that
            disagree; or runs on different data.
    """
    if not directories:
        raise InputError("no run to analyse; train and evaluate at least one variant first")
    merged: dict[tuple[str, int], Run] = {}
    for directory in directories:
        run = read_run(directory)
        key = (run.config.variant, run.config.seed)
        merged[key] = _joined(merged[key], run) if key in merged else run
    runs = [merged[key] for key in sorted(merged)]
    for run in runs[1:]:
        _check_same_data(runs[0], run)
    return runs


def read_run(directory: Path) -> Run:
    """Read one run folder.

    Raises:
        InputError: a file is missing, truncated or foreign, or the scores are not those of the statistics.
    """
    config = load_run(directory)
    scores = SCORES.read(directory / "scores.csv")
    statistics = read_statistics(directory / "per_image.parquet")
    labelled = (scores["variant"] == config.variant) & (scores["seed"] == config.seed)
    if not labelled.all() or scores.empty:
        raise InputError(
            f"{directory}/scores.csv is not of {config.variant}, seed {config.seed}; evaluate again"
        )
    if scores["split"].nunique() != 1:
        raise InputError(f"{directory}/scores.csv mixes splits; keep one split a run")
    means = mean_scores(statistics)
    stored = scores[scores["class"] == ""].set_index("metric")["value"].to_dict()
    for score in means:
        if score.metric in stored and not _agree(stored[score.metric], score.value()):
            raise InputError(
                f"{directory}: {score.metric} is {stored[score.metric]} in scores.csv but {score.value()} by "
                "per_image.parquet; evaluate again"
            )
    return Run(config, scores, statistics, means, (str(directory),))


def _joined(first: Run, second: Run) -> Run:
    """One run from two copies of it.

    Raises:
        InputError: they are not copies.
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
    return Run(first.config, first.scores, first.statistics, first.means, first.origins + second.origins)


def _check_same_data(first: Run, second: Run) -> None:
    """Same data settings, split, images and true labels.

    Raises:
        InputError: they differ.
    """
    problem = ""
    if first.config.data != second.config.data:
        problem = "data settings"
    elif set(first.scores["split"]) != set(second.scores["split"]):
        problem = "splits"
    elif first.statistics["image"].tolist() != second.statistics["image"].tolist():
        problem = "images"
    elif not _same_truth(first.statistics, second.statistics):
        problem = "versions of the labels"
    if problem:
        raise InputError(
            f"{first.name} and {second.name} were evaluated on different {problem}; compare like with like"
        )


def _same_truth(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    """Equal true pixels and true boundary pixels of each class in each image."""
    one, two = stacked(first), stacked(second)
    return np.array_equal(one["boundary_truth"], two["boundary_truth"]) and np.array_equal(
        one["confusion"].sum(axis=2), two["confusion"].sum(axis=2)
    )


def _agree(stored: float, computed: float) -> bool:
    return bool(np.isclose(stored, computed, rtol=0, atol=AGREEMENT, equal_nan=True))
