"""One random walk, without holding the N x N transition matrix unless it is small.

Dimension letters: B batch, C classes, D embedding, N nodes.

Four exact paths; `walk_path` is the rule, chosen by measurement (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import pad, scaled_dot_product_attention

from difnet.diffusion.checks import check_features, check_signal
from difnet.diffusion.held_walk import HeldWalk
from difnet.diffusion.symmetric_walk import LARGEST_SQUARE, SymmetricWalk

MOST_PLAIN_ENTRIES = 2**17
"""Of P, all items together; below, a call costs more than it saves."""
MOST_HELD_NODES = 841
"""The grid of a crop of 225 pixels. P then has 2.8 MB an item, which training keeps for each walk."""

FUSED = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]
"""Attention on a GPU that holds no N x N."""

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
    nodes, values = features, signal
    if not features.dtype == signal.dtype == torch.float32:  # on tiny grids the calls below would show
        dtype = torch.promote_types(features.dtype, signal.dtype)
        if features.device.type == "cpu":
            dtype = torch.promote_types(dtype, torch.float32)
        nodes, values = features.to(dtype), signal.to(dtype)
    wants_gradient = torch.is_grad_enabled() and (nodes.requires_grad or values.requires_grad)
    walk = WALKS[walk_path(nodes, wants_gradient=wants_gradient)]
    walked: Tensor = walk(nodes, values)
    return walked if walked.dtype == signal.dtype else walked.to(signal.dtype)


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
    """Walk by P as the paper writes it; (B, D, N), (B, C, N) -> (B, C, N).

    By `bmm`: on tiny grids `@` takes a tenth of the time to find what to call, and more in its derivative.
    """
    with _without_autocast(features.device.type):
        return torch.bmm(signal, torch.softmax(torch.bmm(features.mT, features), dim=-1).mT)


def attention_walk(features: Tensor, signal: Tensor) -> Tensor:
    """Walk by fused attention: query = key = features, scale 1, the signal as value.

    Kernels need contiguous (B, 1, N, width) tensors of certain widths (`attention_widths`); otherwise PyTorch
    takes a path that holds N x N, which a GPU refuses here but for double precision: no kernel there has it.

    Args:
        features: (B, D, N).
        signal: (B, C, N), same dtype.

    Returns:
        (B, C, N).
    """
    embedding, classes = features.shape[1], signal.shape[1]
    device, dtype = features.device.type, features.dtype
    of_query, of_value = attention_widths(embedding, classes, device=device, dtype=dtype)
    query = pad(features, (0, 0, 0, of_query - embedding)).mT.unsqueeze(1).contiguous()
    value = pad(signal, (0, 0, 0, of_value - classes)).mT.unsqueeze(1).contiguous()
    refusing = sdpa_kernel(FUSED) if device == "cuda" and dtype != torch.float64 else nullcontext()
    with _without_autocast(device), refusing:
        walked = scaled_dot_product_attention(query, query, value, scale=1.0)
    return walked[:, 0, :, :classes].mT


def attention_widths(embedding: int, classes: int, *, device: str, dtype: torch.dtype) -> tuple[int, int]:
    """Widths of query and value, filled up with zeros, at which a fused kernel takes them.

    A CPU wants them equal. On a GPU the memory-efficient kernel, the one for single precision, wants
    multiples of 4 (of 8 in half precision) and lets the value be narrower; the flash kernel, for half
    precision alone, wants equal multiples of 8 (PyTorch's `transformers/cuda/sdp_utils.cpp`).

    Args:
        embedding: D.
        classes: C.
        device: Type of the device.
        dtype: Of both tensors.
    """
    if device != "cuda":
        return max(embedding, classes), max(embedding, classes)
    query, value = (-(-width // 8) * 8 for width in (embedding, classes))
    return (query, value) if dtype.itemsize > 2 else (max(query, value), max(query, value))


def _without_autocast(device: str) -> AbstractContextManager[None]:
    """Autocast off, which rounds logits to 8 bits; where it is off, nothing that costs time."""
    if torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()


WALKS: Mapping[WalkPath, Callable[[Tensor, Tensor], Tensor]] = {
    "plain": plain_walk,
    "held": HeldWalk.apply,
    "symmetric": SymmetricWalk.apply,
    "attention": attention_walk,
}
