"""Checkpoints in the parameter names of the authors' released implementation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from difnet.config import LEVELS, InputError
from difnet.models.build import build
from difnet.models.resnet import RESNETS, SEED_RESNET_OF_18_50, Bottleneck
from difnet.models.weight_file import SHOWN, read_weights, unwrapped

PREFIX_OF_BRANCH = {"model_sed.": "seed_branch.", "model_dif.": "similarity_branch."}
IMPORTANCE_LAYERS = {"bn0": 0, "conv1": 2, "bn1": 3, "conv2": 5, "bn2": 6, "conv3": 8}


def from_official(checkpoint: Path | str | Mapping[str, Any]) -> nn.Module:
    """The network that a checkpoint of the authors holds.

    Args:
        checkpoint: Its file, or what `torch.load` has read from it: tensors by the authors' parameter names,
            with or without a leading `module.`, alone or beside what else a training script has saved.

    Returns:
        The network in evaluation mode; kind, depth and number of classes are read off the shapes.

    Raises:
        InputError: If the file cannot be read, or the tensors are not those of a network of the authors.
    """
    if isinstance(checkpoint, Mapping):
        return _network(unwrapped(checkpoint))
    official = read_weights(Path(checkpoint))
    try:
        return _network(official)
    except InputError as error:
        raise InputError(f"{checkpoint}: {error}") from error


def _network(official: Mapping[str, Tensor]) -> nn.Module:
    is_difnet = "model_sed.conv1.weight" in official
    seed_prefix = "model_sed." if is_difnet else ""
    classifier = official.get(f"{seed_prefix}layer5.conv2d_list.0.weight")
    if classifier is None or classifier.ndim != 4:
        raise InputError(
            "the checkpoint is not one of the authors' networks: it has no 'layer5.conv2d_list.0.weight'; "
            f"its parameters are {', '.join(list(official)[:SHOWN])}, ..."
        )
    kind = "difnet" if is_difnet else "deeplab"
    network = build(f"{kind}-{_depth(official, seed_prefix)}", num_classes=classifier.shape[0])
    own = {_own_name(name if is_difnet else f"model_sed.{name}"): tensor for name, tensor in official.items()}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        raise InputError(
            f"the checkpoint does not fit the network it looks like: {str(error).splitlines()[-1].strip()}"
        ) from error
    return network.eval()


def _depth(official: Mapping[str, Tensor], prefix: str) -> str:
    """Depth of the network whose seed ResNet has the prefix."""
    blocks = tuple(
        len(
            {
                name.split(".")[prefix.count(".") + 1]
                for name in official
                if name.startswith(f"{prefix}layer{layer}.")
            }
        )
        for layer in (1, 2, 3, 4)
    )
    bottleneck = f"{prefix}layer1.0.conv3.weight" in official
    for depth, shape in [*RESNETS.items(), ("18-50", SEED_RESNET_OF_18_50)]:
        if shape.blocks == blocks and (shape.block is Bottleneck) == bottleneck:
            return depth
    raise InputError(f"the checkpoint is not one of the authors' networks: {blocks} blocks in its layers")


def _own_name(name: str) -> str:
    """The authors' parameter name in this project's words."""
    if match := re.fullmatch(r"diffuse([0-4])\.(alpha|beta)", name):
        return f"diffusion.{match[2]}.{match[1]}"
    if match := re.fullmatch(r"diffuse([0-4])\.(conv|bn)\.(\w+)", name):
        level, layer = LEVELS[int(match[1])], 0 if match[2] == "conv" else 1
        return f"similarity_branch.embeddings.{level}.{layer}.{match[3]}"
    if match := re.fullmatch(rf"mask_layer\.({'|'.join(IMPORTANCE_LAYERS)})\.(\w+)", name):
        return f"importance_map.layers.{IMPORTANCE_LAYERS[match[1]]}.{match[2]}"
    if match := re.fullmatch(r"model_sed\.layer5\.conv2d_list\.(\d)\.(\w+)", name):
        return f"seed_branch.classifier.convolutions.{match[1]}.{match[2]}"
    for official, own in PREFIX_OF_BRANCH.items():
        if name.startswith(official):
            return f"{own}resnet.{name.removeprefix(official)}"
    raise InputError(f"the checkpoint is not one of the authors' networks: unexpected parameter '{name}'")
