"""Does a nominal 95% interval cover 95%? Simulated studies whose true difference is known.

Regenerates the calibration tables in docs/statistics.md (about five minutes on one core).

Example: python scripts/calibration.py --studies 2000

Letters: V variants (the first is the reference), S seeds, I images, C classes. Each image has its own mix of
classes and its own difficulty, shared by all runs; each variant does a little better or worse on each image
(the image part of a difference), each run has an offset of its own (the seed part), and each run does a
little better or worse on each image (what no two seeds share).
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import t as student

from difnet.analysis.estimates import Estimate, holm_adjusted
from difnet.analysis.resampling import image_covariance, image_weights, resampled_values
from difnet.analysis.study import paired_estimate
from difnet.config.files import write_text
from difnet.metrics.metric import mean_ratio

DOCUMENT = Path(__file__).parents[1] / "docs" / "statistics.md"
START, END = "<!-- calibration: start -->", "<!-- calibration: end -->"
SEEDS, RATIOS = (3, 5, 10), (0.0, 0.5, 2.0)
IMAGES, CLASSES = 101, 11
RESAMPLES = 1_000
PRESENCE = np.linspace(1.0, 0.35, CLASSES)
"""Share of the images in which each class occurs."""
EASE = np.linspace(2.5, 0.5, CLASSES)
"""Log-odds that a pixel of each class is right, before all offsets."""
DIFFICULTY, IMAGE_OFFSET, RUN_IMAGE_OFFSET = 0.6, 0.25, 0.15
"""Standard deviations in log-odds: of images, of variants on images, of runs on images."""
EFFECT = 0.1
"""Log-odds by which the second variant is better in the coverage studies."""


@dataclass(frozen=True)
class Coverage:
    """One row of the table.

    Attributes:
        seeds: number of seeds.
        ratio: between-seed standard deviation of the difference over its image part.
        covered: share of the studies whose interval holds the true difference.
        width: mean width of the interval.
        satterthwaite: share covered with one t of Satterthwaite's degrees of freedom.
        seeds_only: share covered by the t interval over seeds.
        images_only: share covered by the bootstrap over images.
    """

    seeds: int
    ratio: float
    covered: float
    width: float
    satterthwaite: float
    seeds_only: float
    images_only: float


def coverage(seeds: int, ratio: float, studies: int = 500) -> Coverage:
    """Simulate studies of two variants and count the intervals that hold the true mIoU difference."""
    deviation = ratio * seed_deviation_of_image_part()
    truth = true_difference(deviation)
    rng = np.random.default_rng((seeds, round(10 * ratio)))
    weights = image_weights(IMAGES, RESAMPLES)
    hits, widths = np.zeros(4), []
    for _ in range(studies):
        overlap = simulated_overlap(rng, np.array([0.0, EFFECT]), seeds, deviation, IMAGES)
        ((estimate, differences),) = study_estimates(*overlap, weights)
        half_widths = (
            estimate.half_width(0.95),
            satterthwaite_half_width(estimate),
            student.isf(0.025, seeds - 1) * differences.std(ddof=1) / seeds**0.5,
            student.isf(0.025, IMAGES - 1) * estimate.components[0].variance ** 0.5,
        )
        hits += abs(estimate.value - truth) <= np.array(half_widths)
        widths.append(2 * half_widths[0])
    covered, satterthwaite, seeds_only, images_only = (hits / studies).tolist()
    return Coverage(seeds, ratio, covered, float(np.mean(widths)), satterthwaite, seeds_only, images_only)


def family_wise_error(seeds: int, ratio: float, variants: int = 6, studies: int = 500) -> float:
    """Share of studies without any true difference in which a Holm-adjusted p-value is at most 5%."""
    deviation = ratio * seed_deviation_of_image_part()
    rng = np.random.default_rng((seeds, round(10 * ratio), variants))
    weights = image_weights(IMAGES, RESAMPLES)
    errors = 0
    for _ in range(studies):
        overlap = simulated_overlap(rng, np.zeros(variants + 1), seeds, deviation, IMAGES)
        p_values = [estimate.p_value() for estimate, _ in study_estimates(*overlap, weights)]
        errors += bool((holm_adjusted(p_values) <= 0.05).any())
    return errors / studies


def study_estimates(
    intersection: NDArray[np.float64], union: NDArray[np.float64], weights: NDArray[np.float64]
) -> list[tuple[Estimate, NDArray[np.float64]]]:
    """Paired mIoU difference of each variant from the first, and its value for each seed.

    Args:
        intersection: (V,S,I,C).
        union: (V,S,I,C).
        weights: resamples of the images, (R,I).
    """
    variants, _, images, _ = intersection.shape
    values = mean_ratio(intersection.sum(axis=2), union.sum(axis=2))
    parts = {"intersection": np.moveaxis(intersection, 2, 0), "union": np.moveaxis(union, 2, 0)}
    resampled = resampled_values(parts, weights, lambda sums: mean_ratio(sums["intersection"], sums["union"]))
    results = []
    for variant in range(1, variants):
        differences = values[variant] - values[0]
        covariance = image_covariance(resampled[:, variant] - resampled[:, 0], images)
        results.append((paired_estimate(differences, covariance, images), differences))
    return results


def simulated_overlap(
    rng: np.random.Generator, effects: NDArray[np.float64], seeds: int, deviation: float, images: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intersections and unions of a study on fresh images and seeds: two (V,S,I,C).

    Args:
        rng: source of chance.
        effects: log-odds of each variant, (V,).
        seeds: number of seeds.
        deviation: standard deviation of a run's offset in log-odds.
        images: number of images.
    """
    variants = len(effects)
    offsets = rng.normal(0, deviation, (variants, seeds))
    return _overlap(rng, effects[:, None] + offsets, images)


def _overlap(
    rng: np.random.Generator, offsets: NDArray[np.float64], images: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intersections and unions of runs with given offsets (V,S) on fresh images: two (V,S,I,C)."""
    variants, seeds = offsets.shape
    present = rng.random((images, CLASSES)) < PRESENCE
    area = rng.gamma(1.0, size=(images, CLASSES)) * present
    pixels = area / area.sum(axis=1, keepdims=True)
    odds = (
        rng.normal(0, DIFFICULTY, (1, 1, images, 1))
        + rng.normal(0, IMAGE_OFFSET, (variants, 1, images, 1))
        + rng.normal(0, RUN_IMAGE_OFFSET, (variants, seeds, images, 1))
        + offsets[:, :, None, None]
        + EASE
    )
    right = pixels * expit(odds)
    # Wrong pixels go to the other classes evenly.
    wrong = pixels - right
    taken = (wrong.sum(axis=-1, keepdims=True) - wrong) / (CLASSES - 1)
    return right, pixels + taken


@cache
def seed_deviation_of_image_part() -> float:
    """The offset of runs (log-odds) whose mIoU difference varies as much as its image part."""
    rng = np.random.default_rng(1)
    # Fresh images for each study, and so many seeds that what no two of them share averages out.
    means = []
    for _ in range(400):
        intersection, union = simulated_overlap(rng, np.zeros(2), 20, 0.0, IMAGES)
        values = mean_ratio(intersection.sum(axis=2), union.sum(axis=2)).mean(axis=1)
        means.append(values[1] - values[0])
    step = 0.05
    low, high = (_population_miou(offset) for offset in (-step, step))
    slope = (high - low) / (2 * step)
    return float(np.std(means)) / (slope * 2**0.5)


@cache
def true_difference(deviation: float) -> float:
    """MIoU difference of the two variants on all images and seeds."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(7)
    reference, variant = (
        sum(
            weight * _population_miou(effect + deviation * node)
            for node, weight in zip(nodes, weights / weights.sum(), strict=True)
        )
        for effect in (0.0, EFFECT)
    )
    return float(variant - reference)


@cache
def _population_miou(offset: float) -> float:
    """MIoU of a run with this offset on 100,000 images, the same ones for every offset."""
    intersection, union = _overlap(np.random.default_rng(2), np.full((1, 1), offset), 100_000)
    return float(mean_ratio(intersection.sum(axis=2), union.sum(axis=2))[0, 0])


def satterthwaite_half_width(estimate: Estimate) -> float:
    """Half-width of the usual alternative: one t with Satterthwaite's degrees of freedom."""
    total = sum(part.variance for part in estimate.components)
    degrees = total**2 / sum(part.variance**2 / part.degrees for part in estimate.components)
    return math.sqrt(total) * float(student.isf(0.025, degrees))


def tables(studies: int) -> str:
    """Both tables in Markdown."""
    lines = [
        "| seeds | ratio | coverage | mean width | Satterthwaite | t over seeds only | images only |",
        "|---|---|---|---|---|---|---|",
    ]
    for seeds in SEEDS:
        for ratio in RATIOS:
            row = coverage(seeds, ratio, studies)
            lines.append(
                f"| {seeds} | {ratio:g} | {row.covered:.1%} | {row.width:.4f} | {row.satterthwaite:.1%} "
                f"| {row.seeds_only:.1%} | {row.images_only:.1%} |"
            )
    lines += [
        "",
        "Under no difference, share of studies in which at least one of 6 variants differs from the",
        "reference by its Holm-adjusted p-value at 5%:",
        "",
        "| seeds | ratio 0 | ratio 0.5 | ratio 2 |",
        "|---|---|---|---|",
    ]
    for seeds in SEEDS:
        errors = (family_wise_error(seeds, ratio, studies=studies) for ratio in RATIOS)
        lines.append(f"| {seeds} | " + " | ".join(f"{error:.1%}" for error in errors) + " |")
    return "\n".join([*lines, "", f"{studies} simulated studies a cell."])


def main() -> None:
    """Replace what is between the markers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies a cell")
    studies = parser.parse_args().studies
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    write_text(DOCUMENT, f"{before}{START}\n{tables(studies)}\n{END}{after}")


if __name__ == "__main__":
    main()
