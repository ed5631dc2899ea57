"""Networks of timm as backbones: asked of timm, which is imported where a recipe names one."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from difnet.config.backbones import TESTED, TIMM
from difnet.config.errors import InputError
from difnet.config.schema import IMAGENET, Colour
from difnet.config.suggestions import nearest

LAYERS = 4
GRID_STRIDE = 8
FINEST = (4, GRID_STRIDE)
"""Strides of layer1 and layer2."""
REQUESTS: tuple[dict[str, Any], ...] = ({"output_stride": GRID_STRIDE}, {"strict_img_size": False}, {})
"""What a network is asked for, the first that it knows: no stride beyond it; images of any size; nothing."""
TRIED_SIZE = (120, 160)
"""Of the images that show whether a network takes any size."""


@dataclass(frozen=True)
class TimmNetwork:
    """A network whose four deepest feature maps are layer1 to layer4."""

    name: str
    request: dict[str, Any]
    """What it is made with."""
    maps: tuple[int, ...]
    """Which of its feature maps are the layers."""
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    modules: tuple[str, ...]
    """Names of the modules that give the layers."""
    colours: tuple[Colour, Colour]
    """Mean and deviation, of pixels from 0 to 1, that the pre-trained weights expect."""
    weights: str | None
    """The name of the pre-trained weights in full; None where timm has none."""

    @property
    def resampled(self) -> list[str]:
        """Layers that are coarser than the grid of nodes, and so resampled to it."""
        return [f"layer{1 + place}" for place, stride in enumerate(self.strides) if stride > GRID_STRIDE]


@cache
def timm_network(backbone: str) -> TimmNetwork:
    """What timm says of a network.

    Args:
        backbone: `timm/NAME`.

    Raises:
        InputError: If timm has none of this name, or its feature maps do not make a backbone.
    """
    import timm
    import torch

    name = backbone.removeprefix(TIMM)
    if not timm.is_model(name):
        known = get_close_matches(name, timm.list_models(), n=1)
        raise InputError(
            f"model.backbone: timm has no network '{name}'"
            + nearest(name, known or [tested.removeprefix(TIMM) for tested in TESTED])
        )
    reason = ""
    for request in REQUESTS:
        try:
            with torch.device("meta"):
                network = timm.create_model(name, features_only=True, feature_cls="getter", **request).eval()
                network(torch.empty(1, 3, *TRIED_SIZE))
            break
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
    else:
        raise InputError(_refusal(name, reason))
    info = network.feature_info
    maps, strides = tuple(info.out_indices[-LAYERS:]), tuple(info.reduction()[-LAYERS:])
    if len(maps) < LAYERS or strides[:2] != FINEST:
        found = ", ".join(map(str, info.reduction()))
        raise InputError(_refusal(name, f"the strides of its feature maps are {found}"))
    pretrained = network.pretrained_cfg
    return TimmNetwork(
        name=name,
        request=request,
        maps=maps,
        channels=tuple(info.channels()[-LAYERS:]),
        strides=strides,
        modules=tuple(info.module_name()[-LAYERS:]),
        colours=(tuple(pretrained["mean"]), tuple(pretrained["std"])),
        weights=f"{TIMM}{pretrained['architecture']}.{pretrained['tag']}"
        if pretrained.get("hf_hub_id") or pretrained.get("url")
        else None,
    )


def as_pretrained(model: dict[str, Any]) -> dict[str, Any]:
    """The `model` section of a network on a backbone of timm: its images are normalised as that one expects.

    Raises:
        InputError: If timm's network makes no backbone, or the section asks for what ResNets alone have.
    """
    network = timm_network(model["backbone"])
    if model["normalisation"] == "caffe":
        raise InputError("model.normalisation: caffe is that of ResNets; leave it out with model.backbone")
    if model["width"] != 1:
        raise InputError(
            f"model.width: {model['backbone']} has one width; leave it at 1, and equal_parameters to ResNets"
        )
    return {**model, "normalisation": "imagenet" if network.colours == IMAGENET else network.colours}


def _refusal(name: str, reason: str) -> str:
    return (
        f"model.backbone: {TIMM}{name} does not give four feature maps, from stride 4 on, of images of any "
        f"size ({reason}); 'difnet list backbones' shows networks that do"
    )
