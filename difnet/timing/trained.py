"""Node features of a trained network at any number of nodes: what the operators meet in practice.

B batch, D embedding, h w grid, N = h*w nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from difnet.config import load_run
from difnet.data import load_prepared
from difnet.data.augmentation import normalise
from difnet.models import DifNet, load_network

STRIDE = 8


def trained_levels(run: Path, *, data: Path, batch: int) -> Callable[[int], list[Tensor]] | None:
    """The similarity branch of a trained run, as a function of the number of nodes.

    Args:
        run: Run directory with `config.yaml` and `weights.safetensors`.
        data: Folder of the prepared data set; the first images of the run's split are used, resized to the
            grid times the output stride.
        batch: B, at most the number of images.

    Returns:
        N -> the levels (B, D, N), on the grid nearest to a square; None for a network without levels.

    Raises:
        InputError: If the run is not complete.
    """
    config = load_run(run)
    prepared = load_prepared(data)
    network = load_network(run, config, num_classes=len(prepared.index.classes))
    if not isinstance(network, DifNet) or network.similarity_branch is None:
        return None
    split = prepared.split(config.evaluate.split)
    pixels = torch.from_numpy(np.stack([split.image(index) for index in range(batch)]))
    images = normalise(pixels, config.model.normalisation)

    @torch.no_grad()
    def levels(nodes: int) -> list[Tensor]:
        height, width = _grid(nodes)
        resized = F.interpolate(
            images, size=(STRIDE * height, STRIDE * width), mode="bilinear", antialias=True
        )
        return network.branches(resized, (height, width))[1]

    return levels


def _grid(nodes: int) -> tuple[int, int]:
    """The grid h x w = N nearest to a square."""
    height = next(side for side in range(isqrt(nodes), 0, -1) if nodes % side == 0)
    return height, nodes // height
