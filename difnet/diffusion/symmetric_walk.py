"""A walk that computes half of F^T F for its derivative and never holds N x N. For training on the CPU.

Dimension letters: B batch, C classes, D embedding, N nodes. One batch item at a time.

With S = F^T F, L_i = log sum_j exp(S_ij), P_ij = exp(S_ij - L_i), upstream gradient g and
delta_i = sum_c g_ci (P h)_ci, the derivative of <g, P h> is

    d/dh = P^T g        d/dF = F (T + T^T),   T_ij = P_ij (g_i . h_j - delta_i)

T + T^T is symmetric: each tile of it is computed once and used for its rows and, transposed, for its columns.
One exponential serves P_ij and P_ji. With the nodes in the order of L, i after j, and L_j <= c <= L_i,

    P_ji = E_ij = exp(S_ij - L_j)        P_ij = exp(c - L_i) E_ij exp(L_j - c)

No factor exceeds 1, and P_ij <= exp(L_j - L_i), so that it vanishes where a factor does.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGEST_SQUARE = 2048.0
"""Of |f_i|^2: forward and backward round S_ij in two orders, which differ by at most 1e-3 up to here."""
SMALLEST_LOG = -69.0
"""Of the entries of P; smaller ones count as this. Where exp underflows, it is 5 to 15 times slower."""
ROWS = 128
TILE = 384


class SymmetricWalk(torch.autograd.Function):
    """P h of a batch, (B, D, N) and (B, C, N) -> (B, C, N), for features with |f_i|^2 <= `LARGEST_SQUARE`."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, signal: Tensor) -> Tensor:
        walked, log_sums = torch.empty_like(signal), torch.empty_like(signal[:, 0])
        for item, (nodes, values) in enumerate(zip(features, signal, strict=True)):
            walked[item], log_sums[item] = walk_by_rows(nodes, values)
        ctx.save_for_backward(features, signal, walked, log_sums)
        return walked

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        features, signal, walked, log_sums = ctx.saved_tensors
        by_features, by_signal = torch.empty_like(features), torch.empty_like(signal)
        delta = (gradient * walked).sum(dim=1)
        for item, order in enumerate(log_sums.argsort(dim=-1)):
            ordered = (
                values[item].index_select(-1, order)
                for values in (features, signal, gradient, delta, log_sums)
            )
            for result, values in zip((by_features, by_signal), gradients_by_tiles(*ordered), strict=True):
                result[item].index_copy_(-1, order, values)
        return by_features, by_signal


def walk_by_rows(features: Tensor, signal: Tensor) -> tuple[Tensor, Tensor]:
    """Return P h (C, N) and L (N) of features (D, N) and a signal (C, N), `ROWS` rows of P at a time."""
    nodes = features.shape[1]
    queries = features.mT.contiguous()
    values = torch.cat([signal, torch.ones_like(signal[:1])])
    product, largest = torch.zeros_like(values), torch.empty_like(queries[:, :1])
    memory = features.new_empty(ROWS, nodes)
    for start in range(0, nodes, ROWS):
        rows = slice(start, min(start + ROWS, nodes))
        logits = torch.mm(queries[rows], features, out=memory[: rows.stop - start])
        logits.sub_(torch.amax(logits, dim=1, keepdim=True, out=largest[rows]))
        product[:, rows].addmm_(values, logits.clamp_min_(SMALLEST_LOG).exp_().mT)
    return product[:-1] / product[-1:], largest[:, 0] + product[-1].log()


def gradients_by_tiles(
    features: Tensor, signal: Tensor, gradient: Tensor, delta: Tensor, log_sums: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the derivatives of <g, P h> by the features (D, N) and by the signal (C, N).

    Args:
        features: (D, N), F; the nodes are in the order of `log_sums`.
        signal: (C, N), h.
        gradient: (C, N), g.
        delta: (N).
        log_sums: (N), L, ascending.
    """
    nodes = features.shape[1]
    size = -(-nodes // -(-nodes // TILE))
    spans = [slice(start, min(start + size, nodes)) for start in range(0, nodes, size)]
    queries = features.mT.contiguous()
    # t_ji = E_ij (h_i, -1) . (g_j, delta_j), and t_ij with i and j changed over
    taken, given = torch.cat([signal, -torch.ones_like(delta[None])]), torch.cat([gradient, delta[None]])
    taken_rows, given_rows = taken.mT.contiguous(), given.mT.contiguous()
    by_features, by_signal = torch.zeros_like(features), torch.zeros_like(signal)
    memory = features.new_empty(2, size * size)
    for index, j in enumerate(spans):
        level = log_sums[j.stop - 1]
        scale_j = torch.exp(log_sums[j] - level)
        right = torch.cat([given[:, j], taken[:, j] * scale_j])
        by_smaller = torch.zeros_like(signal[:, j])
        for i in spans[index:]:
            shape = (i.stop - i.start, j.stop - j.start)
            kernel, weights = (part[: shape[0] * shape[1]].view(shape) for part in memory)
            torch.mm(queries[i], features[:, j], out=kernel)
            kernel.sub_(log_sums[j]).clamp_min_(SMALLEST_LOG).exp_()
            by_signal[:, i].addmm_(gradient[:, j], kernel.mT)
            if i == j:
                torch.mm(taken_rows[i], given[:, j], out=weights).mul_(kernel)
                by_features[:, j].addmm_(features[:, j], torch.add(weights, weights.mT, out=kernel))
            else:
                scale_i = torch.exp(level - log_sums[i])
                left = torch.cat([taken_rows[i], given_rows[i] * scale_i[:, None]], dim=1)
                torch.mm(left, right, out=weights).mul_(kernel)
                by_smaller.addmm_(gradient[:, i] * scale_i, kernel)
                by_features[:, j].addmm_(features[:, i], weights)
                by_features[:, i].addmm_(features[:, j], weights.mT)
        by_signal[:, j].addcmul_(by_smaller, scale_j)
    return by_features, by_signal
