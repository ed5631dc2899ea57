"""The trained network of a run directory."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from difnet.config import InputError, RunConfig, project_root
from difnet.models.build import build_from_config


def load_network(directory: Path, config: RunConfig, *, num_classes: int) -> nn.Module:
    """The trained network of a run, in evaluation mode.

    Raises:
        InputError: If the weights are missing, damaged or those of another network, or the diffusion rule of
            the user's own is no longer the one that was trained.
    """
    path = directory / "weights.safetensors"
    if not path.is_file():
        raise InputError(f"{path}: does not exist; train the run to its end first ('difnet train --help')")
    if config.diffusion_sha256 is not None:
        _check_rule(directory, config)
    network = build_from_config(config.model.model_copy(update={"weights": None}), num_classes)
    try:
        network.load_state_dict(load_file(path))
    except Exception as error:
        raise InputError(f"{path}: is damaged or belongs to another network; train the run again") from error
    return network.eval()


def _check_rule(directory: Path, config: RunConfig) -> None:
    """Refuse weights that were trained with other contents of `ablations/NAME.py`."""
    rule = project_root() / "ablations" / f"{config.model.diffusion}.py"
    if rule.is_file() and hashlib.sha256(rule.read_bytes()).hexdigest() != config.diffusion_sha256:
        raise InputError(
            f"ablations/{rule.name}: has changed since {directory} was trained; train the run again, or undo "
            "the change"
        )
