"""From image to node grid and back: max-pooling down to it, bilinear resizing up from it.

The usual CUDA gradients of both add up in no fixed order: that of resizing is computed in a way that has a
fixed one, that of pooling where `torch.use_deterministic_algorithms` is on.

B batch, K channels, H W size before, h w size after.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resizing, without antialiasing; as two matrix products where a gradient is wanted.

    In a training the maps are small, and the products cost less than PyTorch's operator and its gradient.

    Args:
        maps: (B, K, H, W).
        size: h and w.

    Returns:
        (B, K, h, w).
    """
    if not maps.requires_grad:
        return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    rows, columns = (
        _interpolation(before, after, like=maps) for before, after in zip(maps.shape[2:], size, strict=True)
    )
    return rows @ (maps.contiguous() @ columns.T)


def adaptive_max_pool(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Largest value of each cell of a grid; gathered from where it stands where the gradient must be fixed.

    Args:
        maps: (B, K, H, W).
        size: h and w.

    Returns:
        (B, K, h, w).
    """
    if maps.shape[2:] == size:
        return maps
    if not torch.are_deterministic_algorithms_enabled():
        return F.adaptive_max_pool2d(maps, size)
    _, places = F.adaptive_max_pool2d(maps.detach(), size, return_indices=True)
    return maps.flatten(2).gather(2, places.flatten(2)).reshape(places.shape)


def _interpolation(before: int, after: int, *, like: Tensor) -> Tensor:
    """The matrix (after, before) that resizes one axis linearly."""
    unit = torch.eye(before, dtype=like.dtype, device=like.device)[None, None]
    return F.interpolate(unit, size=(after, before), mode="bilinear", align_corners=False)[0, 0]
