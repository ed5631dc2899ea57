"""The rules by which the golden files of the authors' networks regenerate weights and input."""

from __future__ import annotations

import json
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch

FOLDER = Path(__file__).parent / "official"
DOUBLE = Path(__file__).parent / "official64"
"""The same networks, computed in double precision."""


def description(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    return json.loads((folder / f"{name}.json").read_text())


def outputs(name: str, folder: Path = FOLDER) -> dict[str, np.ndarray]:
    return dict(np.load(folder / f"{name}.npz"))


def weights(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """A state dict in the authors' names, each tensor from a generator seeded by its name."""
    return {name: torch.from_numpy(_weight(name, tuple(shape))) for name, shape in shapes.items()}


def _weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, dtype=np.int64)
    if name.endswith("running_var"):
        values = rng.uniform(0.5, 1.5, shape)
    elif name.endswith("running_mean"):
        values = rng.normal(0, 0.1, shape)
    elif len(shape) == 4:
        values = rng.normal(0, 1, shape) * np.sqrt(1 / prod(shape[1:]))
    elif name.endswith((".alpha", ".beta")):
        values = rng.normal(0, 1, shape)
    elif name.endswith(".weight"):
        values = rng.uniform(0.5, 1.5, shape)
    else:
        values = rng.normal(0, 0.1, shape)
    return values.astype(np.float32)


def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(7).normal(0, 1, (2, 3, 65, 97)).astype(np.float32))
