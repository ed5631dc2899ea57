"""The cascade: one random walk a level, with a restart from the seeds and a skip connection.

Dimension letters: B batch, C classes, D embedding, N nodes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from difnet.config.errors import InputError
from difnet.diffusion.checks import check_features, check_signal
from difnet.diffusion.transition import SOFTMAX, Transition
from difnet.diffusion.walk import random_walk


def cascade(
    levels: Sequence[Tensor],
    seeds: Tensor,
    alphas: Sequence[float | Tensor],
    betas: Sequence[float | Tensor],
    repeats: int | Sequence[int] = 1,
    *,
    transition: Transition = SOFTMAX,
) -> Tensor:
    """Diffuse the seeds through all levels (the cascade of Jiang et al., NeurIPS 2018).

    h_0 = seeds, and for every level l, `repeats` times,
    h <- (1 - b_l) * [(1 - a_l) * P_l h + a_l * seeds] + b_l * h, where a_l = sigmoid(alpha_l) and
    b_l = sigmoid(beta_l).

    Args:
        levels: node features (B, D_l, N), one tensor a level.
        seeds: (B, C, N).
        alphas: one pre-sigmoid restart scalar a level, a number or a tensor with one element.
        betas: one pre-sigmoid skip scalar a level; -inf switches the skip off.
        repeats: walks a level, one number for all levels or one for each.
        transition: kind of the transition matrices.

    Returns:
        (B, C, N), the diffused seeds in their dtype.

    Raises:
        InputError: shapes or numbers of levels that do not fit.
    """
    counts = [repeats] * len(levels) if isinstance(repeats, int) else list(repeats)
    if not len(levels) == len(alphas) == len(betas) == len(counts):
        raise InputError(
            f"cascade: {len(levels)} levels need as many alphas, betas and repeats, "
            f"not {len(alphas)}, {len(betas)} and {len(counts)}"
        )
    if min(counts, default=1) < 0:
        raise InputError(f"cascade: repeats must not be negative: {counts}")
    h = seeds
    for features, alpha, beta, count in zip(levels, alphas, betas, counts, strict=True):
        check_features(features)
        check_signal(seeds, batch=features.shape[0], nodes=features.shape[2])
        a = _weight(alpha, like=seeds)
        b = _weight(beta, like=seeds)
        embedded = transition.embed(features)
        if embedded is not None:
            for _ in range(count):
                h = _mix(random_walk(embedded, h), seeds, h, a, b)
        else:
            transposed = transition.matrix(features).to(seeds.dtype).transpose(1, 2)
            for _ in range(count):
                h = _mix(h @ transposed, seeds, h, a, b)
    return h


def _weight(scalar: float | Tensor, *, like: Tensor) -> Tensor:
    """Return sigmoid(scalar) as a 0-d tensor beside `like`."""
    if isinstance(scalar, Tensor):
        value = scalar.to(like.device)
    else:  # written by a kernel; a copy of a number would make the host wait for a GPU
        value = torch.full((), scalar, device=like.device)
    if value.numel() != 1:
        raise InputError(f"cascade: alpha and beta must be single numbers, not of shape {tuple(value.shape)}")
    return torch.sigmoid(value.reshape(()).to(torch.promote_types(like.dtype, torch.float32))).to(like.dtype)


def _mix(walked: Tensor, seeds: Tensor, h: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Apply restart and skip to a walked signal; all (B, C, N)."""
    return torch.lerp(torch.lerp(walked, seeds, a), h, b)
