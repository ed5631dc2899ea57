"""How often does the method err? Simulated studies without any true difference.

Regenerates the calibration tables in docs/statistics.md. A cell takes 5 to 100 s of one core; finished
cells are kept in the folder that `--keep` names, so that a run that was cut short goes on.

Example: python scripts/calibration.py --studies 4000 --keep results/calibration

Letters: V variants (the first is the reference), S seeds, I images, C classes. Each image has its own mix of
classes and its own difficulty, shared by all runs; each variant does a little better or worse on each image
(the image part of a difference), each run has an offset of its own (the seed part), and each run does a
little better or worse on each image (what no two seeds share).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from difnet.analysis.blocks import Blocks, cut_into_blocks
from difnet.analysis.estimates import Estimate
from difnet.analysis.influence import influences
from difnet.analysis.looks import planned_looks
from difnet.analysis.study import estimate
from difnet.config.files import write_text
from difnet.metrics.metric import Parts, mean_ratio, summed

DOCUMENT = Path(__file__).parents[1] / "docs" / "statistics.md"
START, END = "<!-- calibration: start -->", "<!-- calibration: end -->"
SEEDS = (2, 3, 5, 10)
VARIANTS, IMAGES, CLASSES = 11, 101, 11
HOLM_LEVEL = 0.05 / 7
"""Holm's first level of seven claims."""
EASE = np.linspace(2.5, 0.5, CLASSES)
"""Log-odds that a pixel of each class is right, before all offsets."""
DIFFICULTY, IMAGE_OFFSET, RUN_IMAGE_OFFSET = 0.6, 0.25, 0.15
"""Standard deviations in log-odds: of images, of variants on images, of runs on images."""


@dataclass(frozen=True)
class Images:
    """How the images of a study depend on each other.

    Attributes:
        words: For the table.
        correlation: Of consecutive frames of one shot, 0 for none.
        group: Images that are alike in a group, 1 for none.
        rarest: Share of the images in which the rarest class occurs.
    """

    words: str
    correlation: float = 0.0
    group: int = 1
    rarest: float = 0.35

    @property
    def groups(self) -> tuple[str, ...]:
        """As a data set would say it."""
        if self.correlation:
            return ("shot",) * IMAGES
        return tuple(f"{index // self.group}" if self.group > 1 else "" for index in range(IMAGES))

    def normal(self, rng: np.random.Generator, *shape: int) -> NDArray[np.float64]:
        """Standard normal numbers (..., I) that depend on each other as the images do."""
        if self.group > 1:
            each = rng.normal(size=(*shape, -(-IMAGES // self.group)))
            alike = np.repeat(each, self.group, axis=-1)[..., :IMAGES]
            return np.sqrt(0.8) * alike + np.sqrt(0.2) * rng.normal(size=(*shape, IMAGES))
        series = rng.normal(size=(*shape, IMAGES))
        fresh = np.sqrt(1 - self.correlation**2)
        for frame in range(1, IMAGES if self.correlation else 0):
            series[..., frame] = self.correlation * series[..., frame - 1] + fresh * series[..., frame]
        return series


INDEPENDENT = Images("independent")
STRUCTURES = (
    Images("independent, rare classes", rarest=0.04),
    Images("shot, lag-1 correlation 0.5", correlation=0.5),
    Images("shot, lag-1 correlation 0.8", correlation=0.8),
    Images("shot, lag-1 correlation 0.95", correlation=0.95),
    Images("21 groups of 5", group=5),
)
CELLS = [(INDEPENDENT, ratio) for ratio in (0.0, 0.5, 2.0, 10.0)] + [
    (images, ratio) for images in STRUCTURES for ratio in (0.0, 2.0)
]


@dataclass(frozen=True)
class Errors:
    """One row of the table, all but the first two as shares of the studies.

    Attributes:
        decided: Of differences about which a verdict could be had.
        at_5: Of differences whose 95% interval excludes 0, wrongly.
        at_holm: Of differences whose interval at Holm's first level of seven does.
        family: In which Holm's correction over the variants finds any difference, wrongly.
    """

    decided: float
    at_5: float
    at_holm: float
    family: float


def errors(images: Images, ratio: float, seeds: int, studies: int, variants: int = VARIANTS) -> Errors:
    """Simulate studies in which no variant differs from the reference.

    Args:
        images: How they depend on each other.
        ratio: Standard deviation of the difference between seeds over its image part.
        seeds: Number of seeds.
        studies: Number of studies.
        variants: Number of variants that are compared with the reference.
    """
    rng = np.random.default_rng((seeds, round(10 * ratio), *images.words.encode()))
    deviation = ratio * seed_deviation_of_image_part(images)
    decided = at_5 = at_holm = family = 0
    for _ in range(studies):
        study = Simulated(rng, images, variants=variants, seeds=seeds, deviation=deviation)
        found = [study.difference(variant) for variant in range(1, variants + 1)]
        seen = [one for one in found if len(one.components) == 2]
        decided += sum(not one.limit for one in seen)
        at_5 += sum(_excludes_zero(one, 0.05) for one in seen)
        at_holm += sum(_excludes_zero(one, HOLM_LEVEL) for one in seen)
        family += any(_excludes_zero(one, 0.05 / variants) for one in seen)
    comparisons = studies * variants
    return Errors(decided / comparisons, at_5 / comparisons, at_holm / comparisons, family / studies)


def errors_of_looks(looks: tuple[int, ...], ratio: float, studies: int) -> float:
    """Share of studies that find a difference at any of several looks, wrongly."""
    rng = np.random.default_rng((*looks, round(10 * ratio)))
    deviation = ratio * seed_deviation_of_image_part(INDEPENDENT)
    wrong = 0
    for _ in range(studies):
        study = Simulated(rng, INDEPENDENT, variants=1, seeds=looks[-1], deviation=deviation)
        wrong += any(
            _excludes_zero(study.difference(1, len(look.seeds)), look.alpha)
            for look in planned_looks(range(looks[-1]), looks)
        )
    return wrong / studies


def coverage_of_means(seeds: int, ease: float, studies: int) -> float:
    """Share of 95% intervals of a mean score that hold the true mean and lie within [0, 1]."""
    rng = np.random.default_rng((seeds, round(10 * abs(ease)), ease > 0))
    deviation = 2 * seed_deviation_of_image_part(INDEPENDENT)
    options = {"variants": 0, "deviation": deviation, "ease": ease}
    true = [Simulated(np.random.default_rng(k), INDEPENDENT, seeds=40, **options) for k in range(100)]
    truth = float(np.mean([study.values for study in true]))
    covered = 0
    for _ in range(studies):
        low, high = Simulated(rng, INDEPENDENT, seeds=seeds, **options).mean().interval()
        covered += 0 <= low <= truth <= high <= 1
    return covered / studies


def _excludes_zero(found: Estimate, alpha: float) -> bool:
    return abs(found.value) > found.half_width(1 - alpha)


class Simulated:
    """A study on fresh images and seeds.

    Args:
        rng: Source of chance.
        images: How the images depend on each other.
        variants: Number beside the reference.
        seeds: Number of seeds.
        deviation: Standard deviation of a run's offset in log-odds.
        ease: Log-odds by which all pixels are easier.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        images: Images,
        *,
        variants: int,
        seeds: int,
        deviation: float,
        ease: float = 0.0,
    ) -> None:
        self.groups = images.groups
        self.shape = (variants + 1, seeds)
        odds = (
            ease
            + rng.normal(0, deviation, (*self.shape, 1))
            + DIFFICULTY * images.normal(rng)
            + IMAGE_OFFSET * images.normal(rng, variants + 1, 1)
            + RUN_IMAGE_OFFSET * images.normal(rng, *self.shape)
        )
        present = np.linspace(1.0, images.rarest, CLASSES) > ndtr(images.normal(rng, CLASSES)).T
        area = rng.gamma(1.0, size=(IMAGES, CLASSES)) * present
        pixels = area / area.sum(axis=1, keepdims=True)
        right = pixels * expit(odds[..., None] + EASE)
        # Wrong pixels go to the other classes evenly.
        wrong = pixels - right
        taken = (wrong.sum(axis=-1, keepdims=True) - wrong) / (CLASSES - 1)
        self.parts = {
            name: np.moveaxis(part, 2, 0).reshape(IMAGES, -1)
            for name, part in (("intersection", right), ("union", pixels + taken))
        }
        self.values = self._miou(summed(self.parts)).reshape(self.shape)
        """MIoU of every run, (V,S)."""

    def difference(self, variant: int, seeds: int | None = None) -> Estimate:
        """Of a variant from the reference, over the first seeds or all."""
        blocks, moved = self._differences
        values = self.values[variant] - self.values[0]
        return estimate(values[:seeds], (moved[variant] - moved[0])[:seeds], blocks)

    def mean(self) -> Estimate:
        """Of the reference."""
        return estimate(
            self.values[0], self._moved(self.parts)[0], cut_into_blocks(self.groups, ()), share=True
        )

    @cached_property
    def _differences(self) -> tuple[Blocks, NDArray[np.float64]]:
        """The blocks, and what each moves each run by, (V,S,k)."""
        single = self._moved(self.parts)
        blocks = cut_into_blocks(self.groups, list((single - single.mean(axis=0))[..., None]))
        return blocks, self._moved(blocks.joined(self.parts))

    def _moved(self, parts: Parts) -> NDArray[np.float64]:
        return influences(parts, self._miou).T.reshape(*self.shape, -1)

    @staticmethod
    def _miou(sums: Parts) -> NDArray[np.float64]:
        intersection, union = (part.reshape(*part.shape[:-1], -1, CLASSES) for part in sums.values())
        return mean_ratio(intersection, union)


@cache
def seed_deviation_of_image_part(images: Images) -> float:
    """The offset of runs (log-odds) whose mIoU difference varies as much as its image part."""
    rng = np.random.default_rng(1)
    # Fresh images for each study, and so many seeds that what no two of them share averages out.
    options = {"variants": 1, "seeds": 20, "deviation": 0.0}
    means = [np.diff(Simulated(rng, images, **options).values.mean(axis=1)) for _ in range(400)]
    low, high = (
        Simulated(np.random.default_rng(2), images, **options, ease=ease).values.mean()
        for ease in (-0.05, 0.05)
    )
    return float(np.std(means) / ((high - low) / 0.1) / 2**0.5)


def tables(studies: int, keep: Path | None) -> str:
    """All tables in Markdown."""
    lines = [
        "| images | ratio | seeds | decidable | error at 5% | at 0.71% | any of 11 variants, Holm at 5% |",
        "|---|---|---|---|---|---|---|",
    ]
    for images, ratio in CELLS:
        for seeds in SEEDS:
            row = _kept(keep, images, ratio, seeds, studies)
            lines.append(
                f"| {images.words} | {ratio:g} | {seeds} | {row.decided:.0%} | {row.at_5:.1%} "
                f"| {row.at_holm:.2%} | {row.family:.1%} |"
            )
    lines += ["", "| looks | ratio 0 | ratio 2 | ratio 10 |", "|---|---|---|---|"]
    for looks in ((5, 10), (3, 6, 12)):
        cells = (f"{errors_of_looks(looks, ratio, studies):.1%}" for ratio in (0.0, 2.0, 10.0))
        lines.append(f"| {list(looks)} | {' | '.join(cells)} |")
    lines += ["", "| seeds | mean mIoU near 0.07 | near 0.5 | near 0.98 |", "|---|---|---|---|"]
    for seeds in (3, 5, 10):
        cells = (f"{coverage_of_means(seeds, ease, studies):.1%}" for ease in (-4.0, 0.0, 4.0))
        lines.append(f"| {seeds} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{studies} simulated studies a cell."])


def _kept(keep: Path | None, images: Images, ratio: float, seeds: int, studies: int) -> Errors:
    """One cell, from its file where it is there."""
    if keep is None:
        return errors(images, ratio, seeds, studies)
    path = keep / f"{images.words.replace(' ', '_')}-{ratio:g}-{seeds}-{studies}.json"
    if not path.is_file():
        write_text(path, json.dumps(asdict(errors(images, ratio, seeds, studies))))
    return Errors(**json.loads(path.read_text(encoding="utf-8")))


def main() -> None:
    """Replace what is between the markers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--studies", type=int, default=4000, help="simulated studies a cell")
    parser.add_argument("--keep", type=Path, help="folder for finished cells")
    options = parser.parse_args()
    found = tables(options.studies, options.keep)
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    write_text(DOCUMENT, f"{before}{START}\n{found}\n{END}{after}")


if __name__ == "__main__":
    main()
