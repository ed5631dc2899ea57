"""P as a linear operator: products of P and P^T with signals (B, C, N) that never hold N x N.

Dimension letters: B batch, C classes, D embedding, L levels, N nodes.

The P of one level is reversible: `log_measure` (B, N) is the log of d with d_i P_ij = d_j P_ji, which are the
row sums of exp(F^T F).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from difnet.diffusion.symmetric_walk import SMALLEST_LOG
from difnet.diffusion.walk import attention_walk

BLOCK_ENTRIES = 2**22


class LevelProduct:
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
            product.baddbmm_(rows, logits.sub_(sums).clamp_min_(SMALLEST_LOG).exp_())
        return product

    def _logits(self) -> Iterator[Tensor]:
        """Yield F^T F in blocks of rows (B, rows, N)."""
        for rows in torch.split(self._features.mT, self._rows, dim=1):
            yield rows @ self._features


class MixtureProduct:
    """P = sum_l w_l P_l; not reversible."""

    def __init__(self, levels: Sequence[Tensor], weights: Tensor) -> None:
        """Take the features (B, D_l, N) of each level and convex weights (L,)."""
        self._terms = list(zip(weights.tolist(), map(LevelProduct, levels), strict=True))

    def forward(self, signal: Tensor) -> Tensor:
        """Return P x."""
        return torch.stack([weight * product.forward(signal) for weight, product in self._terms]).sum(dim=0)

    def transposed(self, signal: Tensor) -> Tensor:
        """Return P^T x."""
        return torch.stack([weight * product.transposed(signal) for weight, product in self._terms]).sum(
            dim=0
        )
