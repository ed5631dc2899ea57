"""Checkpoints to resume from: written whole or not at all, and loaded without running code from the file."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from difnet.config import InputError, RunConfig, atomic_path
from difnet.config.sources import code_sha256

FILE_NAME = "checkpoint.pt"


class Position(NamedTuple):
    """Where a training stands."""

    step: int
    """Steps done."""
    wall_s: float
    """Seconds of training so far, over all sittings."""
    history: list[tuple[int, float, float, float]]
    """Rows of step, loss, learning rate and images/s."""


def run_identity(config: RunConfig, data_sha256: str) -> str:
    """Hash of all that trained weights depend on: configuration, data and code."""
    parts = [config.training_identity(), data_sha256, code_sha256("train")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def save_checkpoint(
    directory: Path,
    *,
    identity: str,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    position: Position,
) -> None:
    """Write the checkpoint of a run.

    Raises:
        InputError: If the folder cannot be written or the disk is full.
    """
    contents = {
        "identity": identity,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "position": position._asdict(),
    }
    buffer = io.BytesIO()
    torch.save(contents, buffer)
    with atomic_path(directory / FILE_NAME) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def claim_directory(directory: Path, *, identity: str, overwrite: bool) -> None:
    """Make sure that a run directory holds no checkpoint but one of this run.

    Args:
        directory: Run directory.
        identity: Of this run.
        overwrite: Delete the checkpoint of another run, or a damaged one.

    Raises:
        InputError: If there is such a checkpoint and `overwrite` is not set.
    """
    path = directory / FILE_NAME
    if not path.exists():
        return
    try:
        own = _read(path).get("identity") == identity
        problem = "belongs to another run (configuration, data or code differ)"
    except InputError:
        own, problem = False, "is damaged or not a checkpoint"
    if own:
        return
    if not overwrite:
        raise InputError(f"{path}: {problem}; choose another --out, or pass --overwrite to start again")
    path.unlink()


def load_checkpoint(
    directory: Path, *, network: nn.Module, optimiser: torch.optim.Optimizer
) -> Position | None:
    """Restore network and optimiser from the checkpoint of a run.

    Returns:
        Where the training stands; None where there is no checkpoint.

    Raises:
        InputError: If the checkpoint is damaged.
    """
    path = directory / FILE_NAME
    if not path.exists():
        return None
    checkpoint = _read(path)
    network.load_state_dict(checkpoint["network"])
    optimiser.load_state_dict(checkpoint["optimiser"])
    stored = checkpoint["position"]
    return Position(stored["step"], stored["wall_s"], [tuple(row) for row in stored["history"]])


def _read(path: Path) -> dict[str, Any]:
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        raise InputError(f"{path}: is damaged or not a checkpoint; delete it to start again") from error
    return checkpoint
