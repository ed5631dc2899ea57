"""A walk that holds P, for numbers of nodes at which P is small. For the CPU.

Dimension letters: B batch, C classes, D embedding, N nodes.

With S = F^T F, P = softmax(S), upstream gradient g and delta_i = sum_c g_ci (P h)_ci, the derivative of
<g, P h> is

    d/dh = P^T g        d/dF = F (T + T^T),   T_ij = P_ij (g_i . h_j - delta_i)

One product by the symmetry of S, where autograd takes two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

GROUP_ENTRIES = 2**16
"""Of P that are worked on together: small items share a call, large ones a buffer that stays in the cache."""
SMALLEST = 1e-30
"""Smaller entries of a P that is kept are zero: products of the derivative could be denormal numbers, slow on
many processors. Without a derivative the pass costs more than it saves."""


class HeldWalk(torch.autograd.Function):
    """P h of a batch, (B, D, N) and (B, C, N) -> (B, C, N), that keeps P (B, N, N) for the derivative."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, signal: Tensor) -> Tensor:
        batch, _, nodes = features.shape
        group, walked = _group(features), torch.empty_like(signal)
        memory = features.new_empty(group, nodes, nodes)
        kept = any(ctx.needs_input_grad)  # else each group overwrites the P of the last
        transition = features.new_empty(batch if kept else group, nodes, nodes)
        for index, (f, h, result) in enumerate(_groups(group, features, signal, walked)):
            p = transition[index * group % len(transition) :][: len(f)]
            torch.softmax(torch.bmm(f.mT, f, out=memory[: len(f)]), dim=-1, out=p)
            torch.bmm(h, (torch.threshold_(p, SMALLEST, 0.0) if kept else p).mT, out=result)
        ctx.save_for_backward(features, signal, walked, transition)
        return walked

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        features, signal, walked, transition = ctx.saved_tensors
        by_features, by_signal = torch.empty_like(features), torch.empty_like(signal)
        delta = (gradient * walked).sum(dim=1).unsqueeze(-1)
        group = _group(features)
        memory, mirrored = transition.new_empty(2, group, *transition.shape[1:])
        for f, h, g, d, p, to_f, to_h in _groups(
            group, features, signal, gradient, delta, transition, by_features, by_signal
        ):
            t = torch.bmm(g.mT, h, out=memory[: len(f)]).sub_(d).mul_(p)
            torch.bmm(f, torch.add(t, t.mT, out=mirrored[: len(f)]), out=to_f)
            torch.bmm(g, p, out=to_h)
        return by_features, by_signal


def _group(features: Tensor) -> int:
    """Return how many batch items are worked on together."""
    batch, _, nodes = features.shape
    return min(batch, max(1, GROUP_ENTRIES // nodes**2))


def _groups(group: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Yield so many batch items of each tensor at a time."""
    return zip(*(torch.split(tensor, group) for tensor in tensors), strict=True)
