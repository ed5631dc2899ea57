"""From the section `model` of a run to the parts of its network."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from difnet.config import InputError, ModelConfig
from difnet.models.branches import ImportanceMap, SeedBranch, SimilarityBranch
from difnet.models.diffusers import make_rule
from difnet.models.difnet import DeepLab, DifNet
from difnet.models.resnet import RESNETS, SEED_RESNET_OF_18_50, ResNetShape
from difnet.models.temperature import LearnedTemperature


def assemble(config: ModelConfig, num_classes: int, *, width: float) -> nn.Module:
    """A DifNet or its baseline, with random weights.

    Args:
        config: Its `width` and `weights` are left aside.
        num_classes: C.
        width: Multiplies the channels of both ResNets.

    Raises:
        InputError: If values of the configuration do not go together, or a diffusion rule is broken.
    """
    kind, _, depth = config.name.partition("-")
    seed_shape, similarity_shape = (replace(shape, factor=width) for shape in _shapes(depth))
    if kind == "deeplab":
        return DeepLab(SeedBranch(seed_shape, num_classes))
    classify_similarity = config.seeds == "similarity_branch"
    diffuses = config.diffusion != "none"
    if config.shared_resnet and seed_shape != similarity_shape:
        raise InputError(f"model.shared_resnet: the two ResNets of {config.name} differ; choose one depth")
    return DifNet(
        seed_branch=None if classify_similarity else SeedBranch(seed_shape, num_classes),
        importance_map=ImportanceMap(num_classes) if config.importance else None,
        similarity_branch=SimilarityBranch(
            similarity_shape,
            levels=config.levels,
            embedding_dim=config.embedding_dim,
            num_classes=num_classes if classify_similarity else None,
            shares_resnet=config.shared_resnet and not classify_similarity,
            temperature=_temperature(config),
        )
        if diffuses or classify_similarity
        else None,
        diffusion=make_rule(config) if diffuses else None,
    )


def _shapes(depth: str) -> tuple[ResNetShape, ResNetShape]:
    """ResNets of the seed branch and of the similarity branch."""
    if depth == "18-50":
        return SEED_RESNET_OF_18_50, RESNETS["50"]
    return RESNETS[depth], RESNETS[depth]


def _temperature(config: ModelConfig) -> LearnedTemperature | None:
    if config.diffusion == "none" or config.transition.temperature != "learned":
        return None
    return LearnedTemperature(config.transition.kind, len(config.levels))
