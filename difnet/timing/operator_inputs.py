"""What the operators are given: node features of a network, trained or at its start, or drawn, at any size.

B batch, D embedding, h w grid, N = h*w nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from difnet.config import RunConfig, TimingConfig, load_run
from difnet.data import load_prepared
from difnet.data.augmentation import normalise
from difnet.models import DifNet, build_from_config, load_network
from difnet.training import choose_device

Levels = Callable[[int], Sequence[Tensor]]
"""Number of nodes N -> the levels (B, D, N)."""
LEVELS = 5
FEATURE_SCALE = 0.3
"""Of random features: at 1 the transition matrix of 64 channels would be the identity."""
STRIDE = 8


def random_levels(config: TimingConfig) -> Levels:
    """Features from N(0, 0.3^2), at which P mixes; the same ones in every call."""

    def levels(nodes: int) -> list[Tensor]:
        shape = (config.batch, config.embedding_dim, nodes)
        return [FEATURE_SCALE * normal(*shape, seed=level) for level in range(LEVELS)]

    return levels


def normal(*shape: int, seed: int) -> Tensor:
    """Numbers from N(0, 1) that depend on the seed alone."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def trained_levels(run: Path, *, data: Path, batch: int) -> Levels | None:
    """The levels of a trained network as it evaluates.

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
    classes = len(load_prepared(data).index.classes)
    return _levels(load_network(run, config, num_classes=classes), config, data, batch)


def start_levels(config: RunConfig, *, data: Path, batch: int) -> Levels | None:
    """The levels of a network with random weights, drawn from the seed of its run, as it begins to train.

    Args:
        config: Its model, seed and split; given weights are left aside.
        data: As for `trained_levels`.
        batch: B, at most the number of images.

    Returns:
        As `trained_levels`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = config.model.model_copy(update={"weights": None})
        network = build_from_config(model, len(load_prepared(data).index.classes))
    return _levels(network.train(), config, data, batch)


def _levels(network: nn.Module, config: RunConfig, data: Path, batch: int) -> Levels | None:
    """Batch norm takes the statistics of the images or its own, as the mode of the network says."""
    if not isinstance(network, DifNet) or network.similarity_branch is None:
        return None
    device = choose_device()
    network = network.to(device)
    split = load_prepared(data).split(config.evaluate.split)
    pixels = torch.from_numpy(np.stack([split.image(index) for index in range(batch)])).to(device)
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
