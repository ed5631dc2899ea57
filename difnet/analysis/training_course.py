"""What a comparison looked like before the training's end, and whether its arms had stopped learning."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from difnet.analysis.estimates import Estimate
from difnet.analysis.runs import Run
from difnet.analysis.study import between_seeds, counted
from difnet.config.claims import ClaimFile, DifferenceClaim
from difnet.tables import ConvergenceRow, CourseRow

STILL_FALLING = 0.1
"""Share of the whole fall of the loss, above which a fall in the last quarter is of a training cut short."""
ERRORS = 2.0
"""Standard errors that it must be above as well."""
FEWEST_ROWS = 40
"""Rows of a history; with fewer a tenth of the steps has no spread to speak of."""


def courses(file: ClaimFile, runs: Sequence[Run]) -> list[CourseRow]:
    """The difference of every tested pair at each step that was scored, in the claim's direction.

    Its interval is the t interval over the seeds that both have: what each image adds is kept of the trained
    weights alone, so nothing is said about other images.

    Args:
        file: The claims.
        runs: All runs.

    Returns:
        By claim, test and step; no rows of a pair without a common seed and step.
    """
    along = pd.concat([run.along for run in runs], ignore_index=True)
    rows = []
    for claim in file.claims:
        if not isinstance(claim, DifferenceClaim):
            continue
        values = along[along["metric"] == claim.metric].set_index(["variant", "step", "seed"])["value"]
        there = set(values.index.get_level_values("variant"))
        sign = 1 if claim.direction == "higher" else -1
        for place, pair in enumerate(claim.tests, start=1):
            if not {pair.variant, pair.reference} <= there:
                continue
            found = (sign * (values[pair.variant] - values[pair.reference])).dropna()
            for step, differences in found.groupby(level="step"):
                estimate = over_seeds(differences.to_numpy(dtype=np.float64))
                low, high = estimate.interval()
                better, worse = (pair.variant, pair.reference)[::sign]
                row = CourseRow(
                    claim=claim.id,
                    test=place,
                    metric=claim.metric,
                    variant=better,
                    reference=worse,
                    step=int(step),
                    difference=estimate.value,
                    ci_low=low,
                    ci_high=high,
                    n=len(differences),
                    unit=estimate.unit,
                )
                rows.append(row)
    return rows


def over_seeds(values: NDArray[np.float64]) -> Estimate:
    """Mean of one number a seed, (S,), with the t interval over seeds alone; nan of one seed."""
    unit = counted(len(values)) + (", on these images alone" if len(values) > 1 else "")
    return Estimate(float(values.mean()), (between_seeds(values),), unit)


def convergence(runs: Sequence[Run]) -> list[ConvergenceRow]:
    """Whether the training loss of each variant was still falling at the end.

    The loss always falls a little while the learning rate goes to zero, since the noise of the steps goes
    with it. So the fall from the tenth of the steps before three quarters to the last tenth must be more than
    `STILL_FALLING` of the whole fall since the first tenth, and more than `ERRORS` standard errors of the
    rows of `history.csv`. Falls and variances are means over seeds.

    Args:
        runs: All runs; those that were not trained, or whose history has too few rows, say nothing.
    """
    rows = []
    for variant in dict.fromkeys(run.config.variant for run in runs):
        histories = [run.history for run in runs if run.config.variant == variant]
        histories = [history for history in histories if len(history) >= FEWEST_ROWS]
        if not histories:
            continue
        whole, late, squares = np.array([_falls(history) for history in histories]).mean(axis=0)
        error = math.sqrt(squares / len(histories))
        falls = late > STILL_FALLING * whole and late > ERRORS * error
        steps = int(max(history["step"].max() for history in histories))
        rows.append(
            ConvergenceRow(variant, len(histories), steps, whole, late, error, "" if falls else "yes")
        )
    return rows


def _falls(history: pd.DataFrame) -> tuple[float, float, float]:
    """Falls of the loss to its last tenth, from the first and from 65% to 75%; the latter's squared error."""
    share = history["step"] / history["step"].max()
    first, before, last = (
        history["loss"][(share > low) & (share <= low + 0.1 + 1e-9)].to_numpy() for low in (0.0, 0.65, 0.9)
    )
    squares = sum(float(part.var(ddof=1)) / len(part) for part in (before, last))
    return float(first.mean() - last.mean()), float(before.mean() - last.mean()), squares
