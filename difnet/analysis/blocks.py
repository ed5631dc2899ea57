"""Which images count as independent: groups of images, and frames of a shot cut into blocks.

Frames of a video that follow each other are alike, so that a hundred of them say less than a hundred images.
V variants, S seeds, I images, M scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from difnet.metrics.metric import Parts

FEWEST_BLOCKS = 5
"""With fewer, nothing is said beyond the images at hand; so many groups are blocks as they are."""
MARGIN = 2.0
"""Standard errors by which the measured autocorrelation is taken higher than it is."""

Frames = NDArray[np.int64]


@dataclass(frozen=True)
class Blocks:
    """Images joined to blocks that are taken to be independent.

    Attributes:
        of_image: Number of each image's block, (I,).
        inflation: By what the variance between blocks understates that of the mean: neighbouring blocks are
            still alike.
        unit: The blocks in words.
    """

    of_image: NDArray[np.int64]
    inflation: float
    unit: str

    @property
    def count(self) -> int:
        """Number of blocks, k."""
        return int(self.of_image.max()) + 1

    def joined(self, parts: Parts) -> Parts:
        """What each block adds to the sums that scores are made of: (I,K) -> (k,K)."""
        if self.count == len(self.of_image):
            return parts
        sums = {name: np.zeros((self.count, part.shape[1]), part.dtype) for name, part in parts.items()}
        for name, part in parts.items():
            np.add.at(sums[name], self.of_image, part)
        return sums

    def covariance(self, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        """Covariance of scores over samples of blocks.

        Args:
            moved: How far each block moves each score (`influences`), (S,k).

        Returns:
            (S,S); nan with one block.
        """
        if self.count < 2:
            return np.full((len(moved),) * 2, np.nan)
        covariance: NDArray[np.float64] = self.inflation * self.count / (self.count - 1) * moved @ moved.T
        return covariance


def cut_into_blocks(groups: Sequence[str], series: Sequence[NDArray[np.float64]]) -> Blocks:
    """The independent blocks of a study.

    An image without a group is a block. Groups are blocks where there are at least `FEWEST_BLOCKS`; else
    their images are taken for frames in order, whose autocorrelation r at lag 1 is measured and raised by its
    bias (1 + 4r) / I (Kendall, 1954) and `MARGIN` standard errors. Blocks are as long as the frames of an
    autoregression of that r that count as one image, (1 + r) / (1 - r); what blocks of that length still
    have in common is known for it, and `inflation` makes up for it. One r serves all comparisons: if each
    had its own, those whose r happens to come out low would be believed too much.

    Args:
        groups: Of each image, (I,); empty for none.
        series: What each image moves M scores of the seeds of a variant by, (S,I,M) each; read only where
            shots have to be cut.
    """
    images = len(groups)
    keys = [group or f"\0{index}" for index, group in enumerate(groups)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    if len(numbers) == images:
        return Blocks(np.arange(images), 1.0, f"{images} images")
    of_image = np.array([numbers[key] for key in keys])
    if len(numbers) >= FEWEST_BLOCKS:
        return Blocks(of_image, 1.0, f"{len(numbers)} groups ({images} images)")
    shots = [np.flatnonzero(of_image == number) for number in range(len(numbers))]
    return _cut(shots, images, _autocorrelation(shots, series, images))


def _autocorrelation(shots: Sequence[Frames], series: Sequence[NDArray[np.float64]], images: int) -> float:
    """A cautious lag-1 autocorrelation of what all seeds share, the largest of all scores, in [0, 0.99]."""
    at_0, at_1 = (
        sum(_shared_product(variant[:, shot], lag) for variant in series for shot in shots) for lag in (0, 1)
    )
    known = np.asarray(at_0) > 0
    ratios = np.asarray(at_1)[known] / np.asarray(at_0)[known]
    measured = min(1.0, float(np.max(ratios, initial=0.0)))
    error = MARGIN * float(np.sqrt((1 - measured**2) / images))
    return min(0.99, measured + (1 + 4 * measured) / images + error) if known.any() else 0.0


def _shared_product(frames: NDArray[np.float64], lag: int) -> NDArray[np.float64]:
    """Products of frames `lag` apart, (S,F,M) -> (M,), over pairs of different seeds; of one, its own."""
    first, second = frames[:, : frames.shape[1] - lag], frames[:, lag:]
    own: NDArray[np.float64] = (first * second).sum(axis=(0, 1))
    if len(frames) == 1:
        return own
    between: NDArray[np.float64] = (first.sum(axis=0) * second.sum(axis=0)).sum(axis=0) - own
    return between


def _cut(shots: Sequence[Frames], images: int, correlation: float) -> Blocks:
    """Each shot in blocks of about equal length, one at least."""
    length = (1 + correlation) / (1 - correlation)
    of_image = np.zeros(images, dtype=np.int64)
    sizes: list[int] = []
    for shot in shots:
        for frames in np.array_split(shot, max(1, int(len(shot) / length))):
            of_image[frames] = len(sizes)
            sizes.append(len(frames))
    count = len(sizes)
    between = sum(_variance_of_sum(size, correlation) for size in sizes)
    whole = sum(_variance_of_sum(len(shot), correlation) for shot in shots)
    inflation = (count - 1) / (count * between / whole - 1) if count > 1 else np.nan
    noun = "shot" if len(shots) == 1 else "shots"
    return Blocks(of_image, inflation, f"{count} blocks ({images} frames of {len(shots)} {noun})")


def _variance_of_sum(frames: int, correlation: float) -> float:
    """Variance of the sum of so many frames of an autoregression, over that of one frame."""
    lags = np.arange(1, frames)
    return frames + 2 * float(((frames - lags) * correlation**lags).sum())
