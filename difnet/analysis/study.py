"""The runs of one benchmark and their paired differences, with both sources of chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from difnet.analysis.estimates import Component, Estimate
from difnet.analysis.resampling import RESAMPLES, image_covariance, image_weights, resampled_values
from difnet.analysis.runs import Run
from difnet.metrics.metric import summed
from difnet.metrics.scores import METRICS, mean_values


class Study:
    """Runs on one set of images.

    Args:
        runs: What `read_runs` returned.
        resamples: Bootstrap resamples of the images.
    """

    def __init__(self, runs: Sequence[Run], resamples: int = RESAMPLES) -> None:
        """Resample the scores of every run with the same images."""
        self.images = len(runs[0].statistics.names)
        self.split = str(runs[0].scores["split"].iloc[0])
        self.dataset = runs[0].config.data.name
        self.metrics = list(METRICS)
        weights = image_weights(self.images, resamples)
        self._values: dict[tuple[str, int], NDArray[np.float64]] = {}
        self._resampled: dict[tuple[str, int], NDArray[np.float64]] = {}
        for run in runs:
            key = (run.config.variant, run.config.seed)
            self._values[key] = mean_values(summed(run.statistics.parts))
            self._resampled[key] = resampled_values(run.statistics.parts, weights, mean_values)

    @property
    def variants(self) -> list[str]:
        """Names of the variants, sorted."""
        return sorted({variant for variant, _ in self._values})

    def seeds(self, variant: str) -> list[int]:
        """Seeds of a variant, ascending; empty when it was not run."""
        return sorted(seed for name, seed in self._values if name == variant)

    def values(self, variant: str, metric: str, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Score of each seed: (S,)."""
        column = self.metrics.index(metric)
        return np.array([self._values[variant, seed][column] for seed in seeds])

    def resampled(self, variant: str, metric: str, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Score of each seed on each resample of the images: (resamples, S)."""
        column = self.metrics.index(metric)
        return np.stack([self._resampled[variant, seed][:, column] for seed in seeds], axis=1)

    def mean(self, variant: str, metric: str) -> Estimate:
        """Mean over seeds: a t interval over seeds; over images where the seeds do not differ."""
        seeds = self.seeds(variant)
        values = self.values(variant, metric, seeds)
        if np.ptp(values) > 0:
            component = Component(float(values.var(ddof=1)) / len(seeds), len(seeds) - 1)
            return Estimate(float(values.mean()), (component,), f"{len(seeds)} seeds")
        covariance = image_covariance(self.resampled(variant, metric, seeds), self.images)
        seen = "one seed" if len(seeds) == 1 else f"{len(seeds)} equal seeds"
        unit = f"{self.images} images, {seen}"
        return Estimate(float(values.mean()), (Component(float(covariance.mean()), self.images - 1),), unit)

    def difference(self, variant: str, reference: str, metric: str) -> tuple[Estimate, float, int]:
        """Paired difference on the seeds that both have, its effect size, and the number of those seeds.

        Raises:
            ValueError: If there is no seed in common.
        """
        seeds = sorted(set(self.seeds(variant)) & set(self.seeds(reference)))
        if not seeds:
            raise ValueError(f"{variant} and {reference} have no seed in common")
        differences = self.values(variant, metric, seeds) - self.values(reference, metric, seeds)
        resampled = self.resampled(variant, metric, seeds) - self.resampled(reference, metric, seeds)
        estimate = paired_estimate(differences, image_covariance(resampled, self.images), self.images)
        return estimate, effect_size(differences, estimate, self.images), len(seeds)


def paired_estimate(
    differences: NDArray[np.float64], covariance: NDArray[np.float64], images: int
) -> Estimate:
    """Mean difference with a part of chance from the images and one from the seeds.

    Var(mean) = seeds / S + images, from two-way random effects. The image part is the bootstrap variance
    of the mean over seeds. The variance between seeds also holds how differently the seeds do on each image;
    that share (diagonal less off-diagonal of the covariance) is in the image part already and is taken off.

    Args:
        differences: One a seed, (S,).
        covariance: Their covariance over image samples, (S,S).
        images: Number of images.
    """
    seeds = len(differences)
    image_part = Component(float(covariance.mean()), images - 1)
    if seeds == 1:
        return Estimate(float(differences[0]), (image_part,), f"{images} images, one seed")
    diagonal = float(np.trace(covariance)) / seeds
    shared = (float(covariance.sum()) - seeds * diagonal) / (seeds * (seeds - 1))
    own = max(0.0, diagonal - shared)
    seed_part = Component(max(0.0, float(differences.var(ddof=1)) - own) / seeds, seeds - 1)
    return Estimate(float(differences.mean()), (image_part, seed_part), f"{seeds} seeds x {images} images")


def effect_size(differences: NDArray[np.float64], estimate: Estimate, images: int) -> float:
    """Mean difference over its standard deviation between seeds (between images if the seeds agree)."""
    deviation = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    if deviation == 0:
        deviation = estimate.standard_error * images**0.5
    return estimate.value / deviation if deviation > 0 else float("nan")
