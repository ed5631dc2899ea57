"""What `model.weights` and `model.width: equal_parameters` mean for the network of a run."""

from __future__ import annotations

from typing import Any

from difnet.config.errors import InputError

PRETEXT = "pretext"
BASELINE_LIKE_DIFNET = {"18": "34", "34": "101", "50": "101", "101": "152", "18-50": "101"}
"""By depth of a DifNet: the baseline whose number of parameters is nearest (at 21 classes)."""
DIFNET_LIKE_BASELINE = {"34": "18", "50": "18", "101": "34", "152": "50", "18-50": "18"}
"""By depth of a baseline: the DifNet whose number of parameters is nearest (at 21 classes)."""


def with_initial_weights(model: dict[str, Any], variant: str) -> dict[str, Any]:
    """The `model` section of a run with its initial weights named in full.

    Given weights fit one width alone: with them, a network as large as its counterpart is one of another
    depth, as in the paper, which compares DifNet-50 with Sim-DeepLab-101.

    Args:
        model: Its name has a depth.
        variant: Of the run, for errors.

    Raises:
        InputError: If no weights of that kind exist, or no depth has as many parameters.
    """
    given = model["weights"]
    if given is None or model["name"] == "pixel_prior":
        return {**model, "weights": None}
    if given == PRETEXT:
        return model
    if model["width"] == "equal_parameters":
        model = {**model, "name": _counterpart(model["name"], variant), "width": 1.0}
    depth = model["name"].rpartition("-")[2]
    if given != "imagenet":
        return {**model, "weights": given.replace("{depth}", depth)}
    if depth == "nano":
        raise InputError(
            f"{variant}: model.weights: there are no ImageNet weights for {model['name']}; set it to null, "
            "or choose another model.name"
        )
    return {**model, "weights": f"ResNet{depth}_Weights.IMAGENET1K_V1"}


def _counterpart(name: str, variant: str) -> str:
    """The network of the same kind that has about as many parameters as the other kind of this depth."""
    kind, _, depth = name.partition("-")
    depths = BASELINE_LIKE_DIFNET if kind == "deeplab" else DIFNET_LIKE_BASELINE
    if depth not in depths:
        raise InputError(
            f"{variant}: model.width: no {kind} with given weights is as large as the other network of depth "
            f"{depth}; set model.weights to null, or choose another model.name"
        )
    return f"{kind}-{depths[depth]}"
