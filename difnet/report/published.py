"""The figures that the paper published, for the data set that they belong to."""

from __future__ import annotations

from difnet.config import ModelConfig
from difnet.report.variants import Variant

DATA = "voc2012"
FIGURES: dict[str, dict[str, float]] = {
    "deeplab-50": {"miou": 0.6999, "pixel_accuracy": 0.9327},
    "difnet-50": {"miou": 0.7248, "pixel_accuracy": 0.9378},
    "deeplab-101": {"miou": 0.7100, "pixel_accuracy": 0.9339},
    "difnet-101": {"miou": 0.7344, "pixel_accuracy": 0.9388},
}
"""On PASCAL VOC 2012 val, by network and metric (Jiang et al., NeurIPS 2018)."""


def published(data: str, variant: Variant, metric: str) -> float | None:
    """What the paper reports for a variant.

    Args:
        data: Name of the data set.
        variant: Counts if its network is one of the paper, with nothing changed but the initial weights.
        metric: `miou` or `pixel_accuracy`.

    Returns:
        None where the paper has no such figure.
    """
    if data != DATA or variant.resolved is None:
        return None
    model = variant.resolved.model
    changes = {"weights": None, "normalisation": "imagenet"}
    if variant.resolved.weights_of or model.model_copy(update=changes) != ModelConfig(name=model.name):
        return None
    return FIGURES.get(model.name, {}).get(metric)
