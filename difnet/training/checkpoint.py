"""Checkpoints to resume from: written whole or not at all, and loaded without running code from the file.

The newest is `checkpoint.pt`; the one before is kept as `checkpoint.previous.pt`, should that be damaged.
Each carries the SHA-256 of its bytes in its own last 64, the comment of the zip archive that PyTorch writes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

from difnet.config import InputError, RunConfig, RunError, atomic_path, code_sha256
from difnet.config.run_folder import CHECKPOINTS

NEWEST, PREVIOUS = CHECKPOINTS
DIGEST = 64
"""Bytes of the digest: as text, so that `unzip -z` shows it."""

Contents = dict[str, Any]
"""Tensors and plain values: what a file that is loaded with `weights_only=True` may hold."""


def run_identity(config: RunConfig, data_sha256: str) -> str:
    """Hash of all that trained weights depend on: configuration, data and code."""
    parts = [config.training_identity(), data_sha256, code_sha256("train")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def save_checkpoint(directory: Path, *, identity: str, steps: int, contents: Contents) -> None:
    """Write the checkpoint of a run and keep the one before.

    Raises:
        InputError: If the folder cannot be written or the disk is full.
        RunError: If the folder is gone.
    """
    check_there(directory)
    content = sealed({"identity": identity, "steps": steps, **contents})
    newest = directory / NEWEST
    with atomic_path(newest) as temporary:
        with temporary.open("wb") as file:
            file.write(content)
            os.fsync(file.fileno())
        if newest.exists():
            newest.replace(directory / PREVIOUS)


def check_there(directory: Path) -> None:
    """Refuse to go on without the folder of the run, which writing a file would make anew.

    Raises:
        RunError: If it is gone.
    """
    if not directory.is_dir():
        raise RunError(
            f"{directory}: the folder is gone; once it is back, the same command continues the run"
        )


def sealed(contents: Contents) -> bytes:
    """A checkpoint file, with the digest of its bytes at the end.

    A zip archive ends in its comment, after two bytes of its length (PKWARE's APPNOTE, 4.3.16).
    """
    buffer = io.BytesIO()
    torch.save(contents, buffer)
    archive = buffer.getvalue()[:-2] + DIGEST.to_bytes(2, "little")
    return archive + hashlib.sha256(archive).hexdigest().encode()


def claim_directory(directory: Path, *, identity: str, steps: int, overwrite: bool) -> Contents | None:
    """Find what to continue from, and make sure that a directory holds no checkpoint of another run.

    Args:
        directory: Run directory.
        identity: Of this run.
        steps: That it takes in all.
        overwrite: Delete the checkpoints of another run, or damaged ones.

    Returns:
        The newest checkpoint that is whole; None where there is none.

    Raises:
        InputError: If there are only damaged checkpoints or one of another run, and `overwrite` is not set;
            or if something that is no file has its name.
    """
    files = [path for path in (directory / NEWEST, directory / PREVIOUS) if path.exists()]
    for path in files:
        if not path.is_file():  # reading a pipe would wait for ever
            raise InputError(f"{path}: is no file; move it away or choose another --out")
    problem = "is damaged or not a checkpoint"
    for path in files:
        contents = _read(path)
        if contents is None:
            continue
        if contents["identity"] != identity:
            problem = "belongs to another run (configuration, data or code differ)"
            if contents["steps"] != steps:
                problem = f"belongs to a training of {contents['steps']:,} steps, this one takes {steps:,}"
            break
        if path.name == PREVIOUS:
            state = "is damaged" if directory / NEWEST in files else "is missing"
            print(f"difnet: {directory / NEWEST} {state}; continuing from {PREVIOUS}", file=sys.stderr)
        return contents
    if files and not overwrite:
        raise InputError(f"{files[0]}: {problem}; choose another --out, or pass --overwrite to start again")
    for path in files:
        path.unlink()
    return None


def _read(path: Path) -> Contents | None:
    """What a checkpoint holds; None where it is damaged, or more than tensors and plain values."""
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[:-DIGEST]).hexdigest().encode() != content[-DIGEST:]:
            return None
        contents = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:
        return None
    return contents if isinstance(contents, dict) and "identity" in contents else None
