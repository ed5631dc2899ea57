"""Backbones by name: what `model.backbone` may be, and what it means for the network of a run."""

from __future__ import annotations

from typing import Any

from difnet.config.suggestions import nearest

RESNET, TIMM = "resnet-", "timm/"
DEPTHS = ("nano", "18", "34", "50", "101", "152", "18-50")
"""Of the ResNets, as in the name of a network: `difnet-18`."""
TESTED = (
    "timm/tf_efficientnet_lite0",
    "timm/mobilenetv3_small_100",
    "timm/regnety_002",
    "timm/resnet10t",
    "timm/convnext_atto",
    "timm/efficientvit_b0",
    "timm/pvt_v2_b0",
    "timm/swin_tiny_patch4_window7_224",
)
"""Those of timm that the tests build, train and resume."""


def check_backbone(name: str) -> str:
    """The name of a backbone, if it is one; what timm has is asked where it is used.

    Raises:
        ValueError: If not.
    """
    resnets = [RESNET + depth for depth in DEPTHS]
    if name not in resnets and not name.startswith(TIMM):
        raise ValueError(f"unknown backbone '{name}'{nearest(name, [*resnets, *TESTED])}")
    return name


def with_backbone(model: dict[str, Any]) -> dict[str, Any]:
    """The `model` section that names its backbone once: a ResNet's depth in `name`, another in `backbone`."""
    kind, backbone = model["name"].partition("-")[0], model["backbone"]
    if kind == "pixel_prior" or backbone is None:
        return {**model, "backbone": None}
    if backbone.startswith(RESNET):
        return {**model, "name": f"{kind}-{backbone.removeprefix(RESNET)}", "backbone": None}
    return {**model, "name": kind}
