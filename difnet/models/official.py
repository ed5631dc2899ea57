"""Checkpoints in the parameter names of the authors' released implementation."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from difnet.config import LEVELS, InputError
from difnet.models.build import build
from difnet.models.resnet import RESNETS, SEED_RESNET_OF_18_50, Bottleneck

PREFIX_OF_BRANCH = {"model_sed.": "seed_branch.", "model_dif.": "similarity_branch."}
IMPORTANCE_LAYERS = {"bn0": 0, "conv1": 2, "bn1": 3, "conv2": 5, "bn2": 6, "conv3": 8}


def load_official(path: Path) -> nn.Module:
    """The network in a checkpoint file of the authors; no code that the file may hold is run.

    Raises:
        InputError: If the file cannot be read, holds more than tensors, or none of the authors' networks.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            stored: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:
        raise InputError(
            f"{path}: is not a checkpoint of tensors alone; give one of the authors, or a run directory"
        ) from error
    tensors = stored.get("state_dict", stored) if isinstance(stored, dict) else {}
    try:
        return from_official({name: value for name, value in tensors.items() if torch.is_tensor(value)})
    except InputError as error:
        raise InputError(f"{path}: {error}; or give a run directory") from error


def from_official(state_dict: Mapping[str, Tensor]) -> nn.Module:
    """The network that a checkpoint of the authors holds.

    Args:
        state_dict: Tensors by the authors' parameter names, with or without a leading `module.`.

    Returns:
        The network in evaluation mode; kind, depth and number of classes are read off the shapes.

    Raises:
        InputError: If the tensors are not those of a network of the authors.
    """
    official = {name.removeprefix("module."): tensor for name, tensor in state_dict.items()}
    is_difnet = "model_sed.conv1.weight" in official
    seed_prefix = "model_sed." if is_difnet else ""
    classifier = official.get(f"{seed_prefix}layer5.conv2d_list.0.weight")
    if classifier is None:
        raise InputError(
            "the checkpoint is not one of the authors' networks: it has no 'layer5.conv2d_list.0.weight'"
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
    if match := re.fullmatch(r"diffuse(\d)\.(alpha|beta)", name):
        return f"diffusion.{match[2]}.{match[1]}"
    if match := re.fullmatch(r"diffuse(\d)\.(conv|bn)\.(\w+)", name):
        level, layer = LEVELS[int(match[1])], 0 if match[2] == "conv" else 1
        return f"similarity_branch.embeddings.{level}.{layer}.{match[3]}"
    if match := re.fullmatch(r"mask_layer\.(\w+)\.(\w+)", name):
        return f"importance_map.layers.{IMPORTANCE_LAYERS[match[1]]}.{match[2]}"
    if match := re.fullmatch(r"model_sed\.layer5\.conv2d_list\.(\d)\.(\w+)", name):
        return f"seed_branch.classifier.convolutions.{match[1]}.{match[2]}"
    for official, own in PREFIX_OF_BRANCH.items():
        if name.startswith(official):
            return f"{own}resnet.{name.removeprefix(official)}"
    raise InputError(f"the checkpoint is not one of the authors' networks: unexpected parameter '{name}'")
