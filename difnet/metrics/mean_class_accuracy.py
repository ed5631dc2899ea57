"""Mean class accuracy: pixel accuracy in which every class weighs the same."""

from __future__ import annotations

from difnet.metrics.confusion import overlap
from difnet.metrics.metric import Metric, mean_ratio

MEAN_CLASS_ACCURACY = Metric(
    name="mean_class_accuracy",
    title="mean class accuracy",
    definition=(
        "Share of the pixels of a class in the truth that are right, from sums over all images of the split, "
        "void pixels left out; mean over the classes that occur in the truth."
    ),
    parts=overlap,
    value=lambda sums: mean_ratio(sums["intersection"], sums["labelled"]),
    order=3,
)
