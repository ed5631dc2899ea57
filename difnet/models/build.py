"""Networks by name: `difnet-50`, `difnet-18-50`, `deeplab-101`, `difnet-nano`, `pixel_prior`."""

from __future__ import annotations

from typing import Any

from torch import nn

from difnet.config import InputError, ModelConfig, nearest
from difnet.config.files import validate
from difnet.models.branches import ImportanceMap, SeedBranch, SimilarityBranch
from difnet.models.diffusers import DIFFUSERS
from difnet.models.difnet import DeepLab, DifNet
from difnet.models.imagenet import load_imagenet
from difnet.models.pixel_prior import PixelPrior
from difnet.models.resnet import RESNETS, SEED_RESNET_OF_18_50

NAMES = [
    *(f"{kind}-{depth}" for kind in ("difnet", "deeplab") for depth in RESNETS),
    "difnet-18-50",
    "pixel_prior",
]


def build(name: str, num_classes: int, **overrides: Any) -> nn.Module:
    """A network by name.

    Args:
        name: `difnet-DEPTH`, `deeplab-DEPTH` (Sim-DeepLab) with depth nano, 18, 34, 50, 101 or 152;
            `difnet-18-50` (seed ResNet with BasicBlocks, similarity ResNet-50); `pixel_prior`.
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
        InputError: If the name is unknown or the initial weights cannot be loaded.
    """
    if config.name not in NAMES:
        raise InputError(f"unknown network '{config.name}'{nearest(config.name, NAMES)}")
    if config.name == "pixel_prior":
        return PixelPrior(num_classes)
    kind, _, depth = config.name.partition("-")
    if depth == "18-50":
        seed_shape, similarity_shape = SEED_RESNET_OF_18_50, RESNETS["50"]
    else:
        seed_shape = similarity_shape = RESNETS[depth]
    if kind == "deeplab":
        network: nn.Module = DeepLab(SeedBranch(seed_shape, num_classes))
    else:
        classify_similarity = config.seeds == "similarity_branch"
        diffuses = config.diffusion != "none"
        network = DifNet(
            seed_branch=None if classify_similarity else SeedBranch(seed_shape, num_classes),
            importance_map=ImportanceMap(num_classes) if config.importance else None,
            similarity_branch=SimilarityBranch(
                similarity_shape,
                levels=config.levels,
                embedding_dim=config.embedding_dim,
                num_classes=num_classes if classify_similarity else None,
            )
            if diffuses or classify_similarity
            else None,
            diffusion=DIFFUSERS[config.diffusion](config) if diffuses else None,
        )
    if config.weights is not None:
        load_imagenet(network, config.weights)
    return network


def parameter_count(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
