"""Oracle seeds: labelled pixels in the place of the scores, to see what the similarities do by themselves.

B batch, C classes, H W image size, h w grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn

from difnet.config import InputError, RunConfig
from difnet.data import VOID
from difnet.models import DifNet

ORACLE = 3
"""First word of the seeds of these random numbers, which keeps them apart from those of training."""


@torch.inference_mode()
def oracle_logits(
    network: nn.Module, images: Tensor, labels: Tensor, *, indices: Sequence[int], config: RunConfig
) -> Tensor:
    """Diffuse labelled pixels of every region of the truth along the similarities of a network.

    Args:
        network: In evaluation mode.
        images: (B, 3, H, W).
        labels: (B, H, W), void = 255.
        indices: Place of each image in the split.
        config: Of the run: `evaluate.oracle_seeds` and the seed.

    Returns:
        (B, C, h, w).

    Raises:
        InputError: If the network has no diffusion.
    """
    if not isinstance(network, DifNet) or network.diffusion is None:
        raise InputError(
            f"evaluate.oracle_seeds: {config.variant} diffuses nothing; choose an ablation with diffusion"
        )
    scores, levels = network.branches(images)
    _, classes, height, width = scores.shape
    seeds = torch.zeros_like(scores)
    for position, (truth, pixels) in enumerate(_labelled(labels, indices, config)):
        seeds[position] = node_seeds(truth, pixels, classes=classes, grid=(height, width))
    return network.diffuse(levels, seeds)


def nearest_labels(labels: Tensor, *, indices: Sequence[int], config: RunConfig) -> NDArray[np.uint8]:
    """Give every pixel the class of the nearest labelled pixel: what distance does without similarities.

    Args:
        labels: (B, H, W), void = 255.
        indices: Place of each image in the split.
        config: Of the run: `evaluate.oracle_seeds` and the seed.

    Returns:
        Classes (B, H, W); 0 in an image that is all void.
    """
    maps = np.zeros(labels.shape, dtype=np.uint8)
    for position, (truth, pixels) in enumerate(_labelled(labels, indices, config)):
        if len(pixels):
            unknown = np.ones(truth.shape, dtype=bool)
            unknown.flat[pixels] = False
            nearest = ndimage.distance_transform_edt(unknown, return_distances=False, return_indices=True)
            maps[position] = truth[tuple(nearest)]
    return maps


def _labelled(
    labels: Tensor, indices: Sequence[int], config: RunConfig
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.int64]]]:
    """The truth (H, W) of every image with its labelled pixels, the same for every rule."""
    amount = config.evaluate.oracle_seeds
    assert amount is not None
    for truth, index in zip(labels.cpu().numpy(), indices, strict=True):
        rng = np.random.default_rng([ORACLE, config.seed, index])
        yield truth, labelled_pixels(truth, amount, rng=rng)


def labelled_pixels(
    truth: NDArray[np.integer], amount: int | str, *, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Random pixels of every region.

    A region is a connected component of one class (4 neighbours), void left out.

    Args:
        truth: (H, W), void = 255.
        amount: Pixels of each region, all where it has fewer; or a share such as `1%`, at least one pixel.
        rng: Random numbers of this image.

    Returns:
        Places in the flattened map.
    """
    regions = _regions(truth).ravel()
    sizes = np.bincount(regions)
    if isinstance(amount, str):
        wanted = np.maximum(1, np.round(float(amount.removesuffix("%")) / 100 * sizes))
    else:
        wanted = np.full(len(sizes), float(amount))
    wanted[0] = 0
    shuffled = np.lexsort((rng.random(regions.size), regions))
    rank = np.arange(regions.size) - (np.cumsum(sizes) - sizes)[regions[shuffled]]
    return shuffled[rank < wanted[regions[shuffled]]]


def node_seeds(
    truth: NDArray[np.integer], pixels: NDArray[np.int64], *, classes: int, grid: tuple[int, int]
) -> Tensor:
    """The classes of some pixels on the node grid: at each node the mean over the pixels that it contains.

    Args:
        truth: (H, W).
        pixels: Places in the flattened map.
        classes: C.
        grid: Height and width (h, w) in nodes.

    Returns:
        (C, h, w) float32; zero at nodes that contain none of the pixels.
    """
    height, width = grid
    rows, columns = np.unravel_index(pixels, truth.shape)
    nodes = rows * height // truth.shape[0] * width + columns * width // truth.shape[1]
    counts = np.zeros((classes, height * width), dtype=np.float32)
    np.add.at(counts, (truth.ravel()[pixels], nodes), 1)
    mean = counts / np.maximum(counts.sum(axis=0), 1)
    return torch.from_numpy(mean.reshape(classes, height, width))


def _regions(truth: NDArray[np.integer]) -> NDArray[np.int64]:
    """Number of the region of every pixel, from 1; 0 for void."""
    regions = np.zeros(truth.shape, dtype=np.int64)
    for value in np.unique(truth[truth != VOID]):
        components, _ = ndimage.label(truth == value)
        regions[components > 0] = components[components > 0] + regions.max()
    return regions
