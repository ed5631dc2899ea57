"""Networks by name: `difnet-50`, `difnet-18-50`, `deeplab-101`, `difnet-nano`, `pixel_prior`."""

from __future__ import annotations

from typing import Any

from torch import nn

from difnet.config import InputError, ModelConfig, nearest
from difnet.config.files import validate
from difnet.models.assemble import assemble
from difnet.models.imagenet import load_imagenet
from difnet.models.pixel_prior import PixelPrior
from difnet.models.resnet import RESNETS
from difnet.models.width import equal_width

NAMES = [
    *(f"{kind}-{depth}" for kind in ("difnet", "deeplab") for depth in (*RESNETS, "18-50")),
    "pixel_prior",
]


def build(name: str, num_classes: int, **overrides: Any) -> nn.Module:
    """A network by name.

    Args:
        name: `difnet-DEPTH`, `deeplab-DEPTH` (Sim-DeepLab) with depth nano, 18, 34, 50, 101, 152 or 18-50
            (seed ResNet with BasicBlocks, similarity ResNet-50); `pixel_prior`.
        num_classes: C.
        **overrides: Keys of `model` in an ablation (`difnet.config.ModelConfig`).

    Returns:
        A module that maps images (B, 3, H, W) to a `Prediction`.

    Raises:
        InputError: If the name or an override is unknown.
    """
    return build_from_config(
        validate(ModelConfig, {"name": name, **overrides}, f"build('{name}')"), num_classes
    )


def build_from_config(config: ModelConfig, num_classes: int) -> nn.Module:
    """A network from the `model` section of a run.

    Raises:
        InputError: If the name is unknown, values do not go together, a diffusion rule of the user's own is
            broken, or the initial weights cannot be loaded.
    """
    if config.name not in NAMES:
        raise InputError(f"unknown network '{config.name}'{nearest(config.name, NAMES)}")
    if config.name == "pixel_prior":
        return PixelPrior(num_classes)
    width = equal_width(config, num_classes) if isinstance(config.width, str) else config.width
    network = assemble(config, num_classes, width=width)
    if config.weights is not None:
        load_imagenet(network, config.weights)
    return network
