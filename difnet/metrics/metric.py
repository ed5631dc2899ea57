"""What a metric is: a definition in words, what each image adds, and the score of the sums.

Letters: B images of a batch, I of a data set, K numbers of a part (one a class, or one alone), C classes;
`...` resamples of a data set, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from difnet.metrics.arrays import Array
from difnet.metrics.label_maps import LabelMaps, label_maps

Numbers: TypeAlias = NDArray[np.float64]
Parts: TypeAlias = dict[str, NDArray[Any]]
"""Counts or other numbers that add up over images, by name: (B,K) of a batch, (...,K) of sums over images."""


@dataclass(frozen=True)
class Metric:
    """A score of a data set that is a function of sums over its images.

    One in a module of `difnet.metrics`, or a tuple of them, is found by itself: the scores of a run, their
    statistics, the report and its definitions follow.

    Attributes:
        name: As in `scores.csv`.
        title: As in the report.
        definition: The sentence that stands beside the number.
        parts: What each image of a batch adds, none of it negative. A part of one name is one thing: metrics
            that share the function share the part.
        value: The score of sums of parts, (...,K) each -> (...); nan where nothing counts.
        class_name: Name of the score of each class in `scores.csv`; empty where there is none.
        class_value: The score of each class, (...,K) -> (...,C).
        higher_is_better: Which way is better.
        in_table: Whether the results table of the report shows the mean of every variant (`described`), and
            its difference from the reference as well (`compared`).
        order: Place among all metrics; those of equal order stand by file name.
    """

    name: str
    title: str
    definition: str
    parts: Callable[[LabelMaps], Parts]
    value: Callable[[Parts], Numbers]
    class_name: str = ""
    class_value: Callable[[Parts], Numbers] | None = None
    higher_is_better: bool = True
    in_table: Literal["", "described", "compared"] = ""
    order: int = 100

    def of(self, prediction: Array, truth: Array, num_classes: int) -> float:
        """The score of label maps, taken together as one data set.

        Args:
            prediction: Label maps (H,W) or (B,H,W), NumPy or torch, any integer dtype.
            truth: Same shape, void = 255; the prediction counts as void where the truth is.
            num_classes: 1 to 256.

        Returns:
            The score; nan where nothing counts.

        Raises:
            InputError: See `label_maps`.
        """
        maps = label_maps(prediction, truth, num_classes)
        return float(self.value(summed(joined([self.parts(block) for block in maps.blocks()]))))


def joined(batches: Sequence[Parts]) -> Parts:
    """The parts of several batches as those of one: (B,K) each -> (I,K)."""
    return {name: np.concatenate([parts[name] for parts in batches]) for name in batches[0]}


def summed(parts: Parts) -> Parts:
    """Sums over images: (I,K) -> (K,)."""
    # Along contiguous columns NumPy adds pairwise: the rounding does not grow with the number of images.
    return {name: np.ascontiguousarray(values.T).sum(axis=1) for name, values in parts.items()}


def image_means(name: str, scores: Numbers) -> Parts:
    """Parts of a mean over the images in which a score is defined: the score, and whether it is.

    Args:
        name: Name of the first part; the second is `NAME_images`.
        scores: (B,K), nan where undefined.
    """
    defined = ~np.isnan(scores)
    return {name: np.where(defined, scores, 0.0), f"{name}_images": defined.astype(np.int64)}


def ratio(numerators: ArrayLike, denominators: ArrayLike) -> Numbers:
    """Elementwise numerators / denominators; nan where the denominator is 0."""
    top, bottom = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    quotient = np.full(np.broadcast(top, bottom).shape, np.nan)
    np.divide(top, bottom, out=quotient, where=bottom > 0)
    return quotient


def mean_counted(values: ArrayLike, axis: int = -1) -> Numbers:
    """Mean along an axis of the entries that are not nan; nan where all of them are."""
    array = np.asarray(values, dtype=np.float64)
    counted = ~np.isnan(array)
    return ratio(np.where(counted, array, 0.0).sum(axis=axis), counted.sum(axis=axis))


def mean_ratio(numerators: ArrayLike, denominators: ArrayLike) -> Numbers:
    """Mean along the last axis of the ratios that are defined: (...,K), (...,K) -> (...)."""
    return mean_counted(ratio(numerators, denominators))
