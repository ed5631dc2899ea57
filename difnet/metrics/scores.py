"""The scores of a data set: all metrics of this folder, found by themselves, on the predictions of a run."""

from __future__ import annotations

import hashlib
import pkgutil
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd

from difnet.config.errors import InputError
from difnet.metrics.arrays import Array, to_numpy
from difnet.metrics.label_maps import LabelMaps, label_maps, void_as_255
from difnet.metrics.metric import Metric, Numbers, Parts, joined, summed
from difnet.tables import PerImage


def found_metrics() -> dict[str, Metric]:
    """Every `Metric`, alone or in a tuple, of every module of this folder, by name.

    Returns:
        Sorted by their order; metrics of equal order by file name, those of one file as they stand there.

    Raises:
        InputError: If two have one name.
    """
    names = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    modules = [import_module(f"{__package__}.{name}") for name in names]
    found: dict[str, Metric] = {}
    for module in modules:
        for value in vars(module).values():
            for metric in value if isinstance(value, tuple) else (value,):
                # A module may also hold the metric of another one that it imports.
                if isinstance(metric, Metric) and found.setdefault(metric.name, metric) is not metric:
                    raise InputError(
                        f"{module.__file__}: another metric is called '{metric.name}'; rename one"
                    )
    return {metric.name: metric for metric in sorted(found.values(), key=lambda metric: metric.order)}


METRICS = found_metrics()
"""By name, in the order of `scores.csv`."""


def image_statistics(
    names: Sequence[str],
    pairs: Iterable[tuple[Array, Array]],
    num_classes: int,
    groups: Sequence[str] | None = None,
    metrics: Iterable[str] = tuple(METRICS),
) -> PerImage:
    """What each image adds to all scores, so that no prediction has to be kept.

    Args:
        names: Of the images, all different.
        pairs: Prediction and truth of each image (H,W), or of several of one size (B,H,W), in the same order;
            NumPy or torch, any integer dtype, void = 255.
        num_classes: 1 to 256.
        groups: Which images belong together, one name an image; None: none do.
        metrics: The scores that are asked for.

    Returns:
        One row an image.

    Raises:
        InputError: See `label_maps`; or if there is no image, a name twice, or as many names as images.
    """
    functions = dict.fromkeys(METRICS[name].parts for name in metrics)
    labels: list[str] = []
    batches: list[Parts] = []
    for prediction, truth in pairs:
        for maps in label_maps(prediction, truth, num_classes).blocks():
            labels += _digests(maps)
            batches.append({name: part for of in functions for name, part in of(maps).items()})
    together = ("",) * len(names) if groups is None else tuple(groups)
    return PerImage(tuple(names), tuple(labels), joined(batches) if batches else {}, together)


def scores_from_statistics(statistics: PerImage, class_names: Sequence[str]) -> pd.DataFrame:
    """All scores of a data set as tidy rows.

    Args:
        statistics: What each image adds to them.
        class_names: Name of each of the C classes.

    Returns:
        Columns `metric`, `class` (empty for a score over all classes) and `value` (nan where nothing counts):
        every metric, then those of each class.

    Raises:
        InputError: If the statistics are of another number of classes or lack what a metric needs.
    """
    sums = summed(statistics.parts)
    rows = [(name, "", float(value)) for name, value in zip(METRICS, mean_values(sums), strict=True)]
    for metric in METRICS.values():
        if metric.class_value is not None:
            values = metric.class_value(sums)
            if len(values) != len(class_names):
                raise InputError(
                    f"the statistics have {len(values)} classes but {len(class_names)} names are given"
                )
            rows += [(metric.class_name, *pair) for pair in zip(class_names, values.tolist(), strict=True)]
    return pd.DataFrame(rows, columns=["metric", "class", "value"])


def mean_values(sums: Parts) -> Numbers:
    """Every metric, (...,K) sums -> (...,len(METRICS)); nan where nothing counts.

    Raises:
        InputError: If a part is missing.
    """
    try:
        return np.stack([metric.value(sums) for metric in METRICS.values()], axis=-1)
    except KeyError as part:
        raise InputError(f"the statistics have no part {part}; evaluate the run again") from part


def _digests(maps: LabelMaps) -> list[str]:
    """A digest of the true labels of each image; runs with equal ones were scored on the same truth."""
    truths = to_numpy(void_as_255(maps.truth, maps.valid))
    return [hashlib.sha256(repr(one.shape).encode() + one.tobytes()).hexdigest()[:16] for one in truths]
