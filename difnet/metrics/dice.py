"""Dice coefficient (Dice, Ecology 1945), also known as the F1 score of pixels."""

from __future__ import annotations

from difnet.metrics.confusion import overlap
from difnet.metrics.metric import Metric, mean_ratio

DICE = Metric(
    name="dice",
    title="Dice",
    definition=(
        "Twice the intersection over the sum of both areas, from sums over all images of the split, void "
        "pixels left out; mean over the classes with a nonzero union."
    ),
    parts=overlap,
    value=lambda sums: mean_ratio(2 * sums["intersection"], sums["intersection"] + sums["union"]),
)
