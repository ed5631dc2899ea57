"""One random walk, without holding the N x N transition matrix unless it is small.

Dimension letters: B batch, C classes, D embedding, N nodes.

Four exact paths; `walk_path` is the rule, chosen by measurement (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from difnet.diffusion.checks import check_features, check_signal
from difnet.diffusion.held_walk import HeldWalk
from difnet.diffusion.symmetric_walk import LARGEST_SQUARE, SymmetricWalk

MOST_PLAIN_ENTRIES = 2**17
"""Of P, all items together; below, a call costs more than it saves."""
MOST_HELD_NODES = 841
"""The grid of a crop of 225 pixels. P then has 2.8 MB an item, which training keeps for each walk."""

WalkPath = Literal["plain", "held", "symmetric", "attention"]


def random_walk(features: Tensor, signal: Tensor) -> Tensor:
    """Take one step h <- softmax(F^T F) h.

    Args:
        features: (B, D, N) node features.
        signal: (B, C, N) one value a class and node.

    Returns:
        (B, C, N) in the dtype of the signal.

    Raises:
        InputError: shapes or dtypes that do not fit.
    """
    check_features(features)
    check_signal(signal, batch=features.shape[0], nodes=features.shape[2])
    if signal.numel() == 0:
        return signal
    dtype = torch.promote_types(features.dtype, signal.dtype)
    if features.device.type == "cpu":
        dtype = torch.promote_types(dtype, torch.float32)
    nodes, values = features.to(dtype), signal.to(dtype)
    wants_gradient = torch.is_grad_enabled() and (nodes.requires_grad or values.requires_grad)
    walk = WALKS[walk_path(nodes, wants_gradient=wants_gradient)]
    walked: Tensor = walk(nodes, values)
    return walked.to(signal.dtype)


def walk_path(features: Tensor, *, wants_gradient: bool) -> WalkPath:
    """Return how to walk on features (B, D, N).

    On the CPU: P as one would write it where it is tiny, P held up to `MOST_HELD_NODES` nodes; beyond,
    symmetric tiles where a gradient is wanted and the features are not so large that rounding would show.
    Everywhere else PyTorch's fused attention.
    """
    batch, _, nodes = features.shape
    if features.device.type != "cpu":
        return "attention"
    if batch * nodes**2 <= MOST_PLAIN_ENTRIES:
        return "plain"
    if nodes <= MOST_HELD_NODES:
        return "held"
    if wants_gradient and float(features.detach().square().sum(dim=1).amax()) <= LARGEST_SQUARE:
        return "symmetric"
    return "attention"


def plain_walk(features: Tensor, signal: Tensor) -> Tensor:
    """Walk by P as the paper writes it; (B, D, N), (B, C, N) -> (B, C, N)."""
    with torch.autocast(features.device.type, enabled=False):
        return signal @ torch.softmax(features.mT @ features, dim=-1).mT


def attention_walk(features: Tensor, signal: Tensor) -> Tensor:
    """Walk by fused attention: query = key = features, scale 1, the signal as value.

    The CPU's flash kernel needs contiguous (B, 1, N, width) tensors of equal width; otherwise PyTorch takes a
    path that holds N x N. Autocast is off: it would round the logits to 8 bits.

    Args:
        features: (B, D, N).
        signal: (B, C, N), same dtype.

    Returns:
        (B, C, N).
    """
    embedding, classes = features.shape[1], signal.shape[1]
    width = max(embedding, classes)
    query = pad(features, (0, 0, 0, width - embedding)).mT.unsqueeze(1).contiguous()
    value = pad(signal, (0, 0, 0, width - classes)).mT.unsqueeze(1).contiguous()
    with torch.autocast(features.device.type, enabled=False):
        walked = scaled_dot_product_attention(query, query, value, scale=1.0)
    return walked[:, 0, :, :classes].mT


WALKS: Mapping[WalkPath, Callable[[Tensor, Tensor], Tensor]] = {
    "plain": plain_walk,
    "held": HeldWalk.apply,
    "symmetric": SymmetricWalk.apply,
    "attention": attention_walk,
}
