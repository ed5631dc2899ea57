"""One random walk, without holding the N x N transition matrix unless it is small.

Dimension letters: B batch, C classes, D embedding, N nodes.

Three exact paths, chosen by measurement (docs/performance.md). On the CPU: P itself up to
`MOST_HELD_NODES` nodes, where it is small; symmetric Gaussian tiles from `FEWEST_TILED_NODES` nodes on,
for features smaller than those of networks. Everywhere else PyTorch's fused attention.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from difnet.diffusion.checks import check_features, check_signal
from difnet.diffusion.gaussian_walk import LARGEST_HALF_NORM, GaussianWalk, largest_half_norm

MOST_HELD_NODES = 256
FEWEST_TILED_NODES = 512


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
    walked: Tensor
    if holds_matrix(nodes):
        with torch.autocast("cpu", enabled=False):
            walked = values @ torch.softmax(nodes.mT @ nodes, dim=-1).mT
    elif takes_tiles(nodes):
        walked = GaussianWalk.apply(nodes, values)
    else:
        walked = attention_walk(nodes, values)
    return walked.to(signal.dtype)


def holds_matrix(features: Tensor) -> bool:
    """Whether the walk on features (B, D, N) builds P, faster than attention where P is small."""
    return features.device.type == "cpu" and features.shape[2] <= MOST_HELD_NODES


def takes_tiles(features: Tensor) -> bool:
    """Whether the walk on features (B, D, N) runs as Gaussian tiles rather than as attention."""
    if features.device.type != "cpu" or features.shape[2] < FEWEST_TILED_NODES:
        return False
    return largest_half_norm(features) <= LARGEST_HALF_NORM


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
