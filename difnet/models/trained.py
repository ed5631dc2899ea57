"""The trained network of a run directory."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from difnet.config import InputError, RunConfig
from difnet.models.build import build_from_config


def load_network(directory: Path, config: RunConfig, *, num_classes: int) -> nn.Module:
    """The trained network of a run, in evaluation mode.

    Raises:
        InputError: If the weights are missing, damaged or those of another network.
    """
    path = directory / "weights.safetensors"
    if not path.is_file():
        raise InputError(f"{path}: does not exist; train the run to its end first ('difnet train --help')")
    network = build_from_config(config.model.model_copy(update={"weights": None}), num_classes)
    try:
        network.load_state_dict(load_file(path))
    except Exception as error:
        raise InputError(f"{path}: is damaged or belongs to another network; train the run again") from error
    return network.eval()
