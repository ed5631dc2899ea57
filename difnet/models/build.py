"""Networks by name (`difnet-50`, `deeplab-101`, `pixel_prior`), by configuration, and of a trained run."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from difnet.config import InputError, ModelConfig, RunConfig, RunFolder, nearest, project_root
from difnet.config.backbones import with_backbone
from difnet.config.files import validate
from difnet.config.initial_weights import PRETEXT
from difnet.config.source_code import python_sha256
from difnet.models.diffusion_rules import make_rule
from difnet.models.difnet import DeepLab, DifNet
from difnet.models.given_weights import load_given_weights
from difnet.models.initial_values import named_random_numbers, set_initial_values
from difnet.models.pixel_prior import PixelPrior
from difnet.models.resnet import RESNETS, SEED_RESNET_OF_18_50, ResNetShape
from difnet.models.seed_branch import ImportanceMap, SeedBranch
from difnet.models.similarity_branch import LearnedTemperature, SimilarityBranch
from difnet.models.timm_backbone import TimmShape

KINDS = ("difnet", "deeplab")
NAMES = [
    *(f"{kind}-{depth}" for kind in KINDS for depth in (*RESNETS, "18-50")),
    "pixel_prior",
]
WIDTH_STEPS = 1024
"""Widths tried between one whole factor and the next, to make networks of equal size."""
WIDEST = 4
WIDTH_TOLERANCE = 0.01
"""Largest relative difference of the numbers of parameters of such networks."""


def build(name: str, num_classes: int, **overrides: Any) -> nn.Module:
    """A network by name.

    Args:
        name: `difnet-DEPTH`, `deeplab-DEPTH` (Sim-DeepLab) with depth nano, 18, 34, 50, 101, 152 or 18-50
            (seed ResNet with BasicBlocks, similarity ResNet-50); `pixel_prior`; with `backbone="timm/NAME"`
            `difnet` or `deeplab`.
        num_classes: C.
        **overrides: Keys of `model` in an ablation (`difnet.config.ModelConfig`).

    Returns:
        A module that maps images (B, 3, H, W) to a `Prediction`.

    Raises:
        InputError: If the name or an override is unknown.
    """
    return build_from_config(
        validate(
            ModelConfig, with_backbone({"backbone": None, **overrides, "name": name}), f"build('{name}')"
        ),
        num_classes,
    )


def build_from_config(config: ModelConfig, num_classes: int, *, seed: int | None = None) -> nn.Module:
    """A network from the `model` section of a run.

    Args:
        config: The section.
        num_classes: C.
        seed: Of the initial values; None for one that PyTorch's random numbers draw.

    Raises:
        InputError: If the name is unknown, values do not go together, a diffusion rule of the user's own is
            broken, or the initial weights cannot be loaded.
    """
    names = NAMES if config.backbone is None else [*KINDS]
    if config.name not in names:
        raise InputError(f"unknown network '{config.name}'{nearest(config.name, names)}")
    if config.name == "pixel_prior":
        return PixelPrior(num_classes)
    if seed is None:
        seed = int(torch.randint(2**63 - 1, (), device="cpu"))
    network = _assemble(config, num_classes, width=_width(config, num_classes), seed=seed)
    set_initial_values(network, seed, aspp_start=config.aspp_start)
    if config.weights is not None:
        load_given_weights(network, config.weights)
    return network


def check_given_weights(config: ModelConfig) -> None:
    """Find given weights, download them if need be, and see that they fit, before anything else takes time.

    Raises:
        InputError: If they cannot be found, or fit none of the network's backbones.
    """
    if config.weights not in (None, PRETEXT):
        build_from_config(config.model_copy(update={"diffusion": "cascade"}), 2, seed=0)


def resnet_shapes(config: ModelConfig, num_classes: int) -> tuple[ResNetShape, ResNetShape]:
    """ResNets of the seed branch and of the similarity branch, as wide as the configuration says."""
    return _resnets(config.name.partition("-")[2], _width(config, num_classes))


def load_network(
    directory: Path, config: RunConfig, *, num_classes: int, step: int | None = None
) -> nn.Module:
    """The trained network of a run, or as it was after an earlier step, in evaluation mode.

    Raises:
        InputError: If the weights are missing, damaged or those of another network, or the diffusion rule of
            the user's own is no longer the one that was trained.
    """
    weights = RunFolder(directory).weights(step)
    if config.diffusion_sha256 is not None:
        _check_rule(directory, config)
    network = build_from_config(config.model.model_copy(update={"weights": None}), num_classes)
    try:
        network.load_state_dict(safetensors.torch.load(weights))
    except Exception as error:
        raise InputError(f"{directory}: its weights are those of another network; train it again") from error
    return network.eval()


def _check_rule(directory: Path, config: RunConfig) -> None:
    """Refuse weights that were trained with other contents of `ablations/NAME.py`."""
    rule = project_root() / "ablations" / f"{config.model.diffusion}.py"
    if rule.is_file() and python_sha256(rule.read_bytes()) != config.diffusion_sha256:
        raise InputError(
            f"ablations/{rule.name}: has changed since {directory} was trained; train the run again, or undo "
            "the change"
        )


def parameter_count(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def _assemble(config: ModelConfig, num_classes: int, *, width: float, seed: int = 0) -> nn.Module:
    """A DifNet or its baseline, before its initial values are set.

    Args:
        config: Its `width` and `weights` are left aside.
        num_classes: C.
        width: Multiplies the channels of both ResNets.
        seed: Of the numbers that constructors draw: of timm's networks, and of a user's own diffusion rule.

    Raises:
        InputError: If values of the configuration do not go together, or a diffusion rule is broken.
    """
    kind, _, depth = config.name.partition("-")
    seed_shape, similarity_shape = (
        _resnets(depth, width) if config.backbone is None else (TimmShape(config.backbone),) * 2
    )
    classify_similarity = kind == "difnet" and config.seeds == "similarity_branch"
    with named_random_numbers(seed, "seed_branch"):
        seed_branch = None if classify_similarity else SeedBranch(seed_shape, num_classes)
    if kind == "deeplab":
        assert seed_branch is not None
        return DeepLab(seed_branch)
    if config.shared_resnet and seed_shape != similarity_shape:
        raise InputError(f"model.shared_resnet: the two ResNets of {config.name} differ; choose one depth")
    with named_random_numbers(seed, "diffusion"):
        rule = make_rule(config) if config.diffusion != "none" else None
    with named_random_numbers(seed, "similarity_branch"):
        similarity_branch = SimilarityBranch(
            similarity_shape,
            levels=config.levels,
            embedding_dim=config.embedding_dim,
            num_classes=num_classes if classify_similarity else None,
            shares_resnet=config.shared_resnet and not classify_similarity,
            temperature=_temperature(config),
        )
    return DifNet(
        seed_branch=seed_branch,
        importance_map=ImportanceMap(num_classes) if config.importance else None,
        similarity_branch=similarity_branch if rule is not None or classify_similarity else None,
        diffusion=rule,
    )


def _resnets(depth: str, width: float) -> tuple[ResNetShape, ResNetShape]:
    """ResNets of the seed branch and of the similarity branch."""
    seed, similarity = (SEED_RESNET_OF_18_50, RESNETS["50"]) if depth == "18-50" else (RESNETS[depth],) * 2
    return replace(seed, factor=width), replace(similarity, factor=width)


def _temperature(config: ModelConfig) -> LearnedTemperature | None:
    if config.diffusion == "none" or config.transition.temperature != "learned":
        return None
    return LearnedTemperature(config.transition.kind, len(config.levels))


def _width(config: ModelConfig, num_classes: int) -> float:
    return _equal_width(config, num_classes) if isinstance(config.width, str) else config.width


def _equal_width(config: ModelConfig, num_classes: int) -> float:
    """The width with which a network has as many parameters as its counterpart.

    Args:
        config: Of a DifNet, whose counterpart is the baseline of its depth, or of a baseline, whose
            counterpart is the default DifNet of its depth; the counterpart has width 1.
        num_classes: C.

    Raises:
        InputError: If no width brings the two within 1%.
    """
    kind, _, depth = config.name.partition("-")
    counterpart = f"{'deeplab' if kind == 'difnet' else 'difnet'}-{depth}"
    target = _size(ModelConfig(name=counterpart), num_classes, width=1.0)

    @cache
    def size(step: int) -> int:
        return _size(config, num_classes, width=step / WIDTH_STEPS)

    steps = range(1, WIDEST * WIDTH_STEPS)
    place = bisect_left(steps, target, key=size)
    best = min(steps[max(0, place - 1) : place + 1], key=lambda step: abs(size(step) - target))
    if abs(size(best) - target) > WIDTH_TOLERANCE * target:
        raise InputError(
            f"model.width: no width gives {config.name} the {target / 1e6:.2f} M parameters of {counterpart}"
        )
    return best / WIDTH_STEPS


def _size(config: ModelConfig, num_classes: int, *, width: float) -> int:
    """Parameters of a network, counted without computing their values."""
    with torch.device("meta"):
        return parameter_count(_assemble(config, num_classes, width=width))
