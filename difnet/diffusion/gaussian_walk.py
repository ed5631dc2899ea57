"""The walk as a product with a Gaussian kernel: half the work of attention, by symmetry. For the CPU.

Dimension letters: C classes, D embedding, K vectors, N nodes. One batch item at a time.

With n_i = |f_i|^2 / 2, exp(f_i . f_j) = exp(n_i) G_ij exp(n_j), where G_ij = exp(-|f_i - f_j|^2 / 2) <= 1 is
symmetric. Row scaling cancels in the softmax, so with e_j = exp(n_j - max n) and Z = G e,

    P h = G (e h) / Z        P^T y = e G (y / Z)        log sum_j exp(f_i . f_j) = n_i + max n + log Z_i

Every tile of G is computed once and used for its rows and, transposed, for its columns. The derivative of
<g, P h> is symmetric again: with delta = sum_c g_c (P h)_c,

    d/dh = P^T g             d/dF = F T,   T_ij = G_ij (t_ij + t_ji)
                             t_ij = (g_i / Z_i) . (e_j h_j) - (delta_i / Z_i) e_j

e_j must not vanish in float32, which limits n: `LARGEST_HALF_NORM`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGEST_HALF_NORM = 40.0
TILE = 384

Tile = tuple[slice, slice, Tensor]


def largest_half_norm(features: Tensor) -> float:
    """Return max_i |f_i|^2 / 2 of features (B, D, N)."""
    return float(features.detach().square().sum(dim=1).amax()) / 2


class GaussianKernel:
    """G of one batch item, in tiles that are never all held at once.

    Attributes:
        features: (D, N).
        scale: (1, N), e.
    """

    def __init__(self, features: Tensor) -> None:
        """Take node features (D, N)."""
        norms = features.square().sum(dim=0, keepdim=True) / 2
        ones = torch.ones_like(norms)
        self.features = features
        self.largest = norms.amax()
        self.scale = torch.exp(norms - self.largest)
        self._left = torch.cat([features, -norms, ones]).mT.contiguous()
        self._right = torch.cat([features, ones, -norms])

    def product(self, vectors: Tensor) -> Tensor:
        """Return G x for every row x; (K, N) -> (K, N)."""
        result = torch.zeros_like(vectors)
        for tile in self._tiles():
            _add_product(result, tile, vectors)
        return result

    def walk(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        """Return P h (C, N) and Z (1, N)."""
        product = self.product(torch.cat([self.scale * signal, self.scale]))
        row_sums = product[-1:]
        return product[:-1] / row_sums, row_sums

    def walk_gradients(
        self, gradient: Tensor, signal: Tensor, walked: Tensor, row_sums: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the derivatives of <gradient, P h> by the features (D, N) and by the signal (C, N).

        Args:
            gradient: (C, N), g.
            signal: (C, N), h.
            walked: (C, N), P h.
            row_sums: (1, N), Z.
        """
        g = gradient / row_sums
        delta = (g * walked).sum(dim=0, keepdim=True)
        h = self.scale * signal
        left = torch.cat([g, -delta, h, -self.scale]).mT.contiguous()
        right = torch.cat([h, self.scale, g, delta])
        by_signal, by_features = torch.zeros_like(signal), torch.zeros_like(self.features)
        memory = torch.empty(TILE * TILE, dtype=signal.dtype, device=signal.device)
        for rows, columns, kernel in self._tiles():
            _add_product(by_signal, (rows, columns, kernel), g)
            weights = torch.mm(left[rows], right[:, columns], out=_view(memory, kernel.shape)).mul_(kernel)
            _add_product(by_features, (rows, columns, weights), self.features)
        return by_features, self.scale * by_signal

    def _tiles(self) -> Iterator[Tile]:
        """Yield rows, columns and G[rows, columns] of the upper triangle; each tile overwrites the last."""
        nodes = self.features.shape[1]
        memory = torch.empty(TILE * TILE, dtype=self.features.dtype, device=self.features.device)
        spans = [slice(start, min(start + TILE, nodes)) for start in range(0, nodes, TILE)]
        for index, rows in enumerate(spans):
            for columns in spans[index:]:
                left, right = self._left[rows], self._right[:, columns]
                tile = _view(memory, torch.Size((left.shape[0], right.shape[1])))
                yield rows, columns, torch.mm(left, right, out=tile).exp_()


def _view(memory: Tensor, shape: torch.Size) -> Tensor:
    """Return the beginning of `memory` as a matrix."""
    return memory[: shape.numel()].view(shape)


def _add_product(result: Tensor, tile: Tile, vectors: Tensor) -> None:
    """Add a symmetric matrix's tile, and its mirror image, times the vectors; (K, N)."""
    rows, columns, values = tile
    result[:, rows].addmm_(vectors[:, columns], values.mT)
    if rows != columns:
        result[:, columns].addmm_(vectors[:, rows], values)


class GaussianWalk(torch.autograd.Function):
    """P h of a batch, (B, D, N) and (B, C, N) -> (B, C, N), for features below `LARGEST_HALF_NORM`."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, signal: Tensor) -> Tensor:
        walked, row_sums = torch.empty_like(signal), torch.empty_like(signal[:, :1])
        for item, (nodes, values) in enumerate(zip(features, signal, strict=True)):
            walked[item], row_sums[item] = GaussianKernel(nodes).walk(values)
        ctx.save_for_backward(features, signal, walked, row_sums)
        return walked

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        features, signal, walked, row_sums = ctx.saved_tensors
        by_features, by_signal = torch.empty_like(features), torch.empty_like(signal)
        for item, nodes in enumerate(features):
            by_features[item], by_signal[item] = GaussianKernel(nodes).walk_gradients(
                gradient[item], signal[item], walked[item], row_sums[item]
            )
        return by_features, by_signal
