"""Symmetric Sinkhorn scaling in the log domain, to convergence, with an implicit gradient.

Dimension letters: B batch, N nodes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from difnet.config.errors import RunError

MAX_ITERATIONS = 1000


def doubly_stochastic(logits: Tensor) -> Tensor:
    """Scale exp(logits) symmetrically until its rows and columns sum to 1.

    Finds u with sum_j exp(S_ij + u_i + u_j) = 1 by u <- (u - logsumexp_j(S_ij + u_j)) / 2 (Knight, Ruiz &
    Uçar 2014), whose error at least halves in each step near the solution, since P is positive semidefinite.
    The gradient is that of the solution, not of the steps: differentiating the row sums gives
    (I + P) du = -rowsum(P * dS), and I + P is symmetric positive definite.

    Args:
        logits: (B, N, N), symmetric positive semidefinite.

    Returns:
        (B, N, N), symmetric, rows and columns sum to 1, in the dtype of the logits.

    Raises:
        RunError: no convergence (logits that are not finite, or not positive semidefinite).
    """
    exact = logits if logits.dtype == torch.float64 else logits.float()
    with torch.no_grad():
        scale = _converged_scale(exact.detach())
        matrix = torch.exp(exact + scale.unsqueeze(-1) + scale.unsqueeze(-2))
        factor = torch.linalg.cholesky(
            matrix + torch.eye(matrix.shape[-1], dtype=exact.dtype, device=exact.device)
        )
    row_error = torch.logsumexp(exact + scale.unsqueeze(-2), dim=-1) + scale
    scale = scale - torch.cholesky_solve(row_error.unsqueeze(-1), factor).squeeze(-1)
    return torch.exp(exact + scale.unsqueeze(-1) + scale.unsqueeze(-2)).to(logits.dtype)


def _converged_scale(logits: Tensor) -> Tensor:
    """Return u (B, N); the last Newton step in `doubly_stochastic` squares the error that is left."""
    scale = -logits.diagonal(dim1=-2, dim2=-1) / 2
    tolerance = 1e-4 if logits.dtype == torch.float32 else 1e-8
    for _ in range(MAX_ITERATIONS):
        row_error = torch.logsumexp(logits + scale.unsqueeze(-2), dim=-1) + scale
        scale = scale - row_error / 2
        if row_error.numel() == 0 or bool(row_error.abs().max() < tolerance):
            return scale
    raise RunError(
        f"doubly stochastic transition: no convergence in {MAX_ITERATIONS} steps; are the features finite?"
    )
