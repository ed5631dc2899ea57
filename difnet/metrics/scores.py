"""Every score of the suite from per-image statistics: each is a mean of ratios of sums over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from difnet.config.errors import InputError
from difnet.metrics.boundary_f import f_scores
from difnet.metrics.confusion import class_overlap
from difnet.metrics.per_image import BANDS, checked_table, stacked
from difnet.metrics.ratios import mean_counted, mean_ratio


@dataclass(frozen=True)
class Score:
    """A score as what each image adds to K numerators and K denominators.

    Its value on a data set is the mean, over the k with a nonzero denominator, of
    sum_i numerators[i, k] / sum_i denominators[i, k]. The value on any resample of the images follows.

    Attributes:
        metric: name of the metric.
        label: index of the class, None for a mean.
        numerators: float64 (I,K).
        denominators: float64 (I,K).
    """

    metric: str
    label: int | None
    numerators: NDArray[np.float64]
    denominators: NDArray[np.float64]

    def value(self) -> float:
        """The score on all images; nan where nothing counts."""
        return float(mean_ratio(self.numerators.sum(axis=0), self.denominators.sum(axis=0)))


def scores_from_statistics(table: pd.DataFrame, class_names: Sequence[str]) -> pd.DataFrame:
    """All scores of a data set as tidy rows.

    Args:
        table: table of ``statistics_table``.
        class_names: name of each of the C classes.

    Returns:
        Columns ``metric``, ``class`` (empty for a mean) and ``value`` (nan where nothing counts). Metrics:
        miou, pixel_accuracy, mean_class_accuracy, boundary_f, boundary_f_one_to_one, boundary_iou,
        trimap_miou@1 .. @16, and per class iou, boundary_f, boundary_iou.

    Raises:
        InputError: not a table of statistics, or of another number of classes.
    """
    scores = mean_scores(table) + class_scores(table)
    classes = len(table["boundary_truth"].iloc[0])
    if classes != len(class_names):
        raise InputError(f"the statistics have {classes} classes but {len(class_names)} names are given")
    return pd.DataFrame(
        {
            "metric": [score.metric for score in scores],
            "class": ["" if score.label is None else class_names[score.label] for score in scores],
            "value": [score.value() for score in scores],
        }
    )


def mean_scores(table: pd.DataFrame) -> list[Score]:
    """The scores over all classes."""
    arrays = stacked(checked_table(table, "the statistics"))
    confusion = arrays["confusion"]
    right = np.diagonal(confusion, axis1=1, axis2=2)
    distance, one_to_one = _boundary_f(arrays)
    bands = sorted(int(match[1]) for match in map(BANDS.fullmatch, arrays) if match)
    return [
        _score("miou", *class_overlap(confusion)),
        _score("pixel_accuracy", right.sum(axis=1, keepdims=True), confusion.sum(axis=(1, 2))[:, None]),
        _score("mean_class_accuracy", right, confusion.sum(axis=2)),
        _image_mean("boundary_f", mean_counted(distance)[:, None]),
        _image_mean("boundary_f_one_to_one", mean_counted(one_to_one)[:, None]),
        _score("boundary_iou", arrays["boundary_iou_intersection"], arrays["boundary_iou_union"]),
        *(_score(f"trimap_miou@{radius}", *class_overlap(arrays[f"trimap_{radius}"])) for radius in bands),
    ]


def class_scores(table: pd.DataFrame) -> list[Score]:
    """The scores of each class."""
    arrays = stacked(checked_table(table, "the statistics"))
    distance, _ = _boundary_f(arrays)
    whole = (
        _score("iou", *class_overlap(arrays["confusion"])),
        _image_mean("boundary_f", distance),
        _score("boundary_iou", arrays["boundary_iou_intersection"], arrays["boundary_iou_union"]),
    )
    return [
        Score(score.metric, label, score.numerators[:, [label]], score.denominators[:, [label]])
        for score in whole
        for label in range(score.numerators.shape[1])
    ]


def _boundary_f(arrays: dict[str, NDArray[np.int64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """F of each image and class (I,C), by distance and by one-to-one matching."""
    predicted, true = arrays["boundary_prediction"], arrays["boundary_truth"]
    pairs = arrays["boundary_one_to_one"]
    near = arrays["boundary_matched_prediction"], arrays["boundary_matched_truth"]
    return f_scores(near[0], predicted, near[1], true), f_scores(pairs, predicted, pairs, true)


def _image_mean(metric: str, values: NDArray[np.float64]) -> Score:
    """A score that is a mean over the images in which it is defined."""
    counted = ~np.isnan(values)
    return _score(metric, np.where(counted, values, 0.0), counted)


def _score(metric: str, numerators: NDArray[np.generic], denominators: NDArray[np.generic]) -> Score:
    return Score(metric, None, numerators.astype(np.float64), denominators.astype(np.float64))
