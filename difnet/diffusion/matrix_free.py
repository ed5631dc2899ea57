"""P as a linear operator: products of P and P^T with signals (B, C, N) that never hold N x N.

Dimension letters: B batch, C classes, D embedding, L levels, N nodes.

The P of one level is reversible: `log_measure` (B, N) is the log of d with d_i P_ij = d_j P_ji, which are the
row sums of exp(F^T F).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from difnet.diffusion.gaussian_walk import GaussianKernel
from difnet.diffusion.walk import attention_walk, takes_tiles

BLOCK_ENTRIES = 2**22


class TiledProduct:
    """P of one level by symmetric Gaussian tiles; see `difnet.diffusion.gaussian_walk`."""

    def __init__(self, features: Tensor) -> None:
        """Take node features (B, D, N) for which `takes_tiles` holds."""
        self._kernels = [GaussianKernel(nodes) for nodes in features]
        self._row_sums = [kernel.product(kernel.scale) for kernel in self._kernels]
        self.log_measure = torch.cat(
            [
                torch.log(kernel.scale * sums)
                for kernel, sums in zip(self._kernels, self._row_sums, strict=True)
            ]
        )

    def forward(self, signal: Tensor) -> Tensor:
        """Return P x."""
        items = zip(self._kernels, self._row_sums, signal, strict=True)
        return torch.stack([kernel.product(kernel.scale * rows) / sums for kernel, sums, rows in items])

    def transposed(self, signal: Tensor) -> Tensor:
        """Return P^T x."""
        items = zip(self._kernels, self._row_sums, signal, strict=True)
        return torch.stack([kernel.scale * kernel.product(rows / sums) for kernel, sums, rows in items])


class BlockedProduct:
    """P of one level by fused attention, and P^T by blocks of rows."""

    def __init__(self, features: Tensor) -> None:
        """Take node features (B, D, N)."""
        self._features = features
        self._rows = max(1, BLOCK_ENTRIES // (features.shape[0] * features.shape[2]))
        self.log_measure = torch.cat([torch.logsumexp(logits, dim=-1) for logits in self._logits()], dim=1)

    def forward(self, signal: Tensor) -> Tensor:
        """Return P x."""
        return attention_walk(self._features, signal)

    def transposed(self, signal: Tensor) -> Tensor:
        """Return P^T x; P_ij = exp(f_i . f_j - L_i) <= 1, whatever the logits."""
        product = torch.zeros_like(signal)
        log_sums = torch.split(self.log_measure.unsqueeze(-1), self._rows, dim=1)
        for logits, sums, rows in zip(
            self._logits(), log_sums, torch.split(signal, self._rows, dim=2), strict=True
        ):
            product.baddbmm_(rows, logits.sub_(sums).exp_())
        return product

    def _logits(self) -> Iterator[Tensor]:
        """Yield F^T F in blocks of rows (B, rows, N)."""
        for rows in torch.split(self._features.mT, self._rows, dim=1):
            yield rows @ self._features


LevelProduct = TiledProduct | BlockedProduct


class MixtureProduct:
    """P = sum_l w_l P_l; not reversible."""

    def __init__(self, levels: Sequence[Tensor], weights: Tensor) -> None:
        """Take the features (B, D_l, N) of each level and convex weights (L,)."""
        self._terms = list(zip(weights.tolist(), map(level_product, levels), strict=True))

    def forward(self, signal: Tensor) -> Tensor:
        """Return P x."""
        return torch.stack([weight * product.forward(signal) for weight, product in self._terms]).sum(dim=0)

    def transposed(self, signal: Tensor) -> Tensor:
        """Return P^T x."""
        return torch.stack([weight * product.transposed(signal) for weight, product in self._terms]).sum(
            dim=0
        )


def level_product(features: Tensor) -> LevelProduct:
    """Return P = softmax(F^T F) of one level (B, D, N), by the path that suits its size and device."""
    return TiledProduct(features) if takes_tiles(features) else BlockedProduct(features)
