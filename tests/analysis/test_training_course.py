"""Differences along training, and the rule by which a training counts as cut short."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from difnet.analysis.training_course import convergence, courses
from difnet.config.claims import read_claims
from difnet.tables import ALONG, HISTORY, AlongRow, HistoryRow
from tests.analysis.builders import CLAIM_FILE, study

STEPS = 1000
SHARE = np.arange(1, 201) / 200
RATE = (1 - SHARE) ** 0.9


def runs_with(losses, seeds=3):
    """Runs of the baseline with these losses, one a row of the history, and the noise of batches."""
    runs = study({"deeplab": 0.1}, seeds=seeds).runs
    found = []
    for run in runs:
        noise = np.random.default_rng(run.config.seed).normal(0, 0.03, len(SHARE))
        rows = [
            HistoryRow(int(step), float(loss), 0.05, 50.0)
            for step, loss in zip(STEPS * SHARE, losses + noise, strict=True)
        ]
        found.append(replace(run, history=HISTORY.frame(rows)))
    return found


@pytest.mark.parametrize(
    ("losses", "converged"),
    [
        (0.3 + 1.5 * np.exp(-12 * SHARE) + 0.08 * RATE, "yes"),  # at rest but for the noise of the steps
        (0.3 + 1.5 * np.exp(-12 * SHARE), "yes"),
        (np.full(200, 0.3), "yes"),
        (1.8 - 1.0 * SHARE, ""),
        (0.3 + 1.5 * np.exp(-2 * SHARE), ""),
        (np.where(SHARE < 0.6, 1.8, 1.8 - 2 * (SHARE - 0.6)), ""),  # takes off late
    ],
)
def test_a_training_that_still_learns_at_its_end_is_not_converged(losses, converged) -> None:
    (row,) = convergence(runs_with(losses))
    assert (row.variant, row.n, row.steps, row.converged) == ("deeplab", 3, STEPS, converged)


def test_falls_of_a_straight_line() -> None:
    (row,) = convergence(runs_with(1.8 - 1.0 * SHARE))
    assert row.fall == pytest.approx(0.9, abs=0.01)
    assert row.late_fall == pytest.approx(0.25, abs=0.01)
    assert row.standard_error == pytest.approx(np.sqrt(2 * (0.03**2 + 0.0296**2) / 20 / 3), rel=0.3)


def test_an_untrained_variant_says_nothing() -> None:
    assert convergence(study({"pixel_prior": 0.5}).runs) == []


def test_differences_along_training_are_paired_by_seed() -> None:
    values = {"cascade": {250: (0.3, 0.4, 0.5), 1000: (0.6, 0.7, 0.8)}, "deeplab": {250: (0.2, 0.3, 0.4)}}
    runs = []
    for run in study({"cascade": 0.1, "deeplab": 0.1, "seed_only": 0.2}).runs:
        name, seed = run.config.variant, run.config.seed
        rows = [
            AlongRow(name, seed, step, "miou", found[seed]) for step, found in values.get(name, {}).items()
        ]
        runs.append(replace(run, along=ALONG.frame(rows)))
    (row,) = courses(read_claims(CLAIM_FILE), runs)
    assert (row.claim, row.variant, row.reference, row.step, row.n) == ("C1", "cascade", "deeplab", 250, 3)
    assert (row.difference, row.ci_low, row.ci_high) == pytest.approx((0.1, 0.1, 0.1))
    assert row.unit == "3 seeds, on these images alone"


def test_interval_along_training_is_that_of_the_seeds() -> None:
    runs = []
    for run in study({"cascade": 0.1, "deeplab": 0.1}).runs:
        value = 0.5 + (0.1 * run.config.seed if run.config.variant == "cascade" else 0.0)
        rows = [AlongRow(run.config.variant, run.config.seed, 250, "miou", value)]
        runs.append(replace(run, along=ALONG.frame(rows)))
    (row,) = courses(read_claims(CLAIM_FILE), runs)
    half = 4.302653 * 0.1 / np.sqrt(3)
    assert (row.difference, row.ci_low, row.ci_high) == pytest.approx((0.1, 0.1 - half, 0.1 + half))
