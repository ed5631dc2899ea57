"""The runs of one benchmark, their means and their paired differences, with both sources of chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from difnet.analysis.blocks import FEWEST_BLOCKS, Blocks, cut_into_blocks
from difnet.analysis.estimates import Component, Estimate
from difnet.analysis.influence import influences
from difnet.analysis.runs import Run
from difnet.metrics.metric import summed
from difnet.metrics.scores import METRICS, mean_values

FEWEST_SEEDS = 3
"""With fewer, no verdict: one or two numbers say nothing about how far a third may lie."""


class Study:
    """Runs on one set of images.

    Args:
        runs: What `read_runs` returned.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        """Score every run, find the independent blocks of images, and what each moves the scores by."""
        self.runs = list(runs)
        groups = runs[0].statistics.groups
        self.images = len(groups)
        self.split = str(runs[0].scores["split"].iloc[0])
        self.dataset = runs[0].config.data.name
        self.metrics = list(METRICS)
        parts = {(run.config.variant, run.config.seed): run.statistics.parts for run in runs}
        self._values = {key: mean_values(summed(part)) for key, part in parts.items()}
        single = {key: influences(part, mean_values) for key, part in parts.items()}
        self._of_means = cut_into_blocks(groups, _by_variant(single))
        self._of_differences = cut_into_blocks(groups, _by_variant(_from_the_mean(single)))
        self._moved = {f"{self.images} images": single}
        for blocks in (self._of_means, self._of_differences):
            if blocks.unit not in self._moved:
                self._moved[blocks.unit] = {
                    key: influences(blocks.joined(part), mean_values) for key, part in parts.items()
                }

    @property
    def variants(self) -> list[str]:
        """Names of the variants, sorted."""
        return sorted({variant for variant, _ in self._values})

    def seeds(self, variant: str) -> list[int]:
        """Seeds of a variant, ascending; empty when it was not run."""
        return sorted(seed for name, seed in self._values if name == variant)

    def common_seeds(self, *variants: str) -> list[int]:
        """Seeds that all these variants have, ascending."""
        return sorted(set.intersection(*(set(self.seeds(variant)) for variant in variants)))

    def with_seeds(self, seeds: Sequence[int]) -> Study:
        """The part of the study that has these seeds."""
        part = copy(self)
        part.runs = [run for run in self.runs if run.config.seed in seeds]
        part._values = {key: value for key, value in self._values.items() if key[1] in seeds}
        return part

    def values(self, variant: str, metric: str, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Score of each seed: (S,)."""
        column = self.metrics.index(metric)
        return np.array([self._values[variant, seed][column] for seed in seeds])

    def moved(self, blocks: Blocks, variant: str, metric: str, seeds: Sequence[int]) -> NDArray[np.float64]:
        """What each block moves the score of each seed by: (S,k)."""
        column = self.metrics.index(metric)
        return np.stack([self._moved[blocks.unit][variant, seed][:, column] for seed in seeds])

    def mean(self, variant: str, metric: str) -> Estimate:
        """Mean over seeds, as a score on images and with seeds like these."""
        seeds, blocks = self.seeds(variant), self._of_means
        values = self.values(variant, metric, seeds)
        return estimate(values, self.moved(blocks, variant, metric, seeds), blocks, share=True)

    def difference(self, variant: str, reference: str, metric: str) -> tuple[Estimate, float, int]:
        """Paired difference on the seeds that both have, its effect size, and the number of those seeds.

        Raises:
            ValueError: If there is no seed in common.
        """
        seeds, blocks = self.common_seeds(variant, reference), self._of_differences
        if not seeds:
            raise ValueError(f"{variant} and {reference} have no seed in common")
        one, other = (
            (self.values(name, metric, seeds), self.moved(blocks, name, metric, seeds))
            for name in (variant, reference)
        )
        differences = one[0] - other[0]
        found = estimate(differences, one[1] - other[1], blocks)
        return found, effect_size(differences, found, self.images), len(seeds)


def _by_variant(single: Mapping[tuple[str, int], NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """The runs of each variant together, (S,I,M) each."""
    variants = dict.fromkeys(variant for variant, _ in single)
    return [np.stack([moved for key, moved in single.items() if key[0] == variant]) for variant in variants]


def _from_the_mean(
    single: Mapping[tuple[str, int], NDArray[np.float64]],
) -> dict[tuple[str, int], NDArray[np.float64]]:
    """Each run less the mean of all runs of its seed; as it is where it is the only one."""
    seeds = {seed: [moved for key, moved in single.items() if key[1] == seed] for _, seed in single}
    means = {seed: sum(all_runs) / len(all_runs) for seed, all_runs in seeds.items() if len(all_runs) > 1}
    return {key: moved - means.get(key[1], 0.0) for key, moved in single.items()}


def estimate(
    values: NDArray[np.float64], moved: NDArray[np.float64], blocks: Blocks, *, share: bool = False
) -> Estimate:
    """Mean over seeds of a score or a difference, with a part of chance from images and one from seeds.

    Two-way random effects, Var(mean) = shared + s^2 / S: `shared` is what all seeds have in common on the
    images (mean covariance of two seeds over samples of blocks, not below 0), s^2 the plain variance between
    the seeds, which holds what each does on the images of its own. Nothing is taken off.

    With fewer than `FEWEST_BLOCKS` blocks it speaks of these images alone, and has the second part only; with
    one seed, of that seed alone, and has the first part only.

    Args:
        values: One a seed, (S,).
        moved: What each of k blocks of images moves each of them by, (S,k).
        blocks: The blocks.
        share: Whether it is a score between 0 and 1.
    """
    seeds, mean = len(values), float(values.mean())
    sees_images = blocks.count >= FEWEST_BLOCKS
    components = []
    if sees_images:
        components.append(Component(_shared(blocks.covariance(moved)), blocks.count - 1, "images"))
    if seeds > 1:
        components.append(between_seeds(values))
    images = f" x {blocks.unit}" if sees_images else f", on these {len(blocks.of_image)} images alone"
    limit = _limit(seeds, blocks)
    if not limit and mean != 0 and all(part.variance == 0 for part in components):
        limit = "no variation between seeds and images"
    return Estimate(
        mean, tuple(components) or (Component(math.nan, 1),), counted(seeds) + images, limit, share
    )


def between_seeds(values: NDArray[np.float64]) -> Component:
    """What the seeds leave to chance in the mean of their values, (S,); nan of one seed."""
    seeds = len(values)
    if seeds == 1:
        return Component(math.nan, 1, "seeds")
    variance = float(values.var(ddof=1)) if np.ptp(values) > 0 else 0.0  # not the rounding of equal ones
    return Component(variance / seeds, seeds - 1, "seeds")


def counted(seeds: int) -> str:
    """A number of seeds in words."""
    return "one seed" if seeds == 1 else f"{seeds} seeds"


def _shared(covariance: NDArray[np.float64]) -> float:
    """The part of the image variance that all seeds share; of one seed, all of it."""
    seeds = len(covariance)
    if seeds == 1:
        return float(covariance[0, 0])
    shared = (float(covariance.sum()) - float(np.trace(covariance))) / (seeds * (seeds - 1))
    return shared if math.isnan(shared) else max(0.0, shared)


def _limit(seeds: int, blocks: Blocks) -> str:
    """Why no verdict may rest on so many seeds and blocks."""
    if seeds < FEWEST_SEEDS:
        return "one seed" if seeds == 1 else "two seeds"
    if blocks.count < FEWEST_BLOCKS:
        return f"fewer than {FEWEST_BLOCKS} independent blocks of images"
    return ""


def effect_size(differences: NDArray[np.float64], estimate: Estimate, images: int) -> float:
    """Mean difference over its standard deviation between seeds (between images if the seeds agree)."""
    deviation = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    if deviation == 0:
        deviation = estimate.standard_error * images**0.5
    return estimate.value / deviation if deviation > 0 else float("nan")
