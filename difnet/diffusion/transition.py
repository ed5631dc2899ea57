"""Transition matrices: how much of each node's value a random walk takes from every other node.

Dimension letters: B batch, C classes, D embedding, N nodes.

Every kind is row-stochastic. All but `top_k` are *reversible*: a positive measure d exists with
d_i P_ij = d_j P_ji, so that P has a real spectrum and conjugate gradients apply to the dense inverse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from difnet.config.errors import InputError, RunError
from difnet.diffusion.checks import check_features, require_memory

MAX_SINKHORN_STEPS = 1000


@runtime_checkable
class Transition(Protocol):
    """A kind of transition matrix with its parameters."""

    def matrix(self, features: Tensor) -> Tensor:
        """Build P from features (B, D, N); returns (B, N, N), rows sum to 1."""
        ...

    def embed(self, features: Tensor) -> Tensor | None:
        """Return features (B, D, N) whose plain softmax walk is this kind's walk; None if there are none."""
        ...


def _require_positive(name: str, value: float) -> None:
    if not value > 0:
        raise InputError(f"transition: {name} must be positive, not {value:g}")


@dataclass(frozen=True)
class SoftmaxTransition:
    """P = softmax(F^T F / temperature), the paper's transition matrix at temperature 1."""

    temperature: float = 1.0

    def __post_init__(self) -> None:
        _require_positive("temperature", self.temperature)

    def embed(self, features: Tensor) -> Tensor:
        """Return features (B, D, N) whose plain softmax walk is this kind's walk."""
        return features if self.temperature == 1.0 else features / math.sqrt(self.temperature)

    def matrix(self, features: Tensor) -> Tensor:
        """Build P; (B, D, N) -> (B, N, N)."""
        embedded = self.embed(features)
        return torch.softmax(embedded.transpose(1, 2) @ embedded, dim=-1)


@dataclass(frozen=True)
class CosineTransition:
    """P = softmax(cos(f_i, f_j) / temperature): similarity of direction alone."""

    temperature: float = 0.1

    def __post_init__(self) -> None:
        _require_positive("temperature", self.temperature)

    def embed(self, features: Tensor) -> Tensor:
        """Return features (B, D, N) whose plain softmax walk is this kind's walk."""
        return torch.nn.functional.normalize(features, dim=1) / math.sqrt(self.temperature)

    def matrix(self, features: Tensor) -> Tensor:
        """Build P; (B, D, N) -> (B, N, N)."""
        embedded = self.embed(features)
        return torch.softmax(embedded.transpose(1, 2) @ embedded, dim=-1)


@dataclass(frozen=True)
class DoublyStochasticTransition:
    """P = diag(u) exp(F^T F / temperature) diag(u), symmetric, with rows and columns that sum to 1."""

    temperature: float = 1.0

    def __post_init__(self) -> None:
        _require_positive("temperature", self.temperature)

    def matrix(self, features: Tensor) -> Tensor:
        """Build P by symmetric Sinkhorn scaling; (B, D, N) -> (B, N, N)."""
        embedded = features / math.sqrt(self.temperature)
        return _sinkhorn(embedded.transpose(1, 2) @ embedded)

    def embed(self, features: Tensor) -> None:
        """Return None: no softmax walk does this; the matrix has to be built."""


def _sinkhorn(logits: Tensor) -> Tensor:
    """Scale exp(logits) symmetrically until its rows and columns sum to 1, in the log domain.

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
    """Return u (B, N); the last Newton step in `_sinkhorn` squares the error that is left."""
    scale = -logits.diagonal(dim1=-2, dim2=-1) / 2
    tolerance = 1e-4 if logits.dtype == torch.float32 else 1e-8
    for _ in range(MAX_SINKHORN_STEPS):
        row_error = torch.logsumexp(logits + scale.unsqueeze(-2), dim=-1) + scale
        scale = scale - row_error / 2
        if row_error.numel() == 0 or bool(row_error.abs().max() < tolerance):
            return scale
    raise RunError(
        f"doubly stochastic transition: no convergence in {MAX_SINKHORN_STEPS} steps; "
        "are the features finite?"
    )


@dataclass(frozen=True)
class TopKTransition:
    """P = softmax over each node's `k` most similar nodes (all nodes when there are fewer); not symmetric."""

    k: int = 32
    temperature: float = 1.0

    def __post_init__(self) -> None:
        _require_positive("k", self.k)
        _require_positive("temperature", self.temperature)

    def matrix(self, features: Tensor) -> Tensor:
        """Build P, zero outside the k largest entries of each row; (B, D, N) -> (B, N, N)."""
        logits = features.transpose(1, 2) @ features / self.temperature
        largest, nodes = logits.topk(min(self.k, logits.shape[-1]), dim=-1)
        weights = torch.softmax(largest, dim=-1)
        return torch.zeros_like(logits, dtype=weights.dtype).scatter(-1, nodes, weights)

    def embed(self, features: Tensor) -> None:
        """Return None: no softmax walk does this; the matrix has to be built."""


SOFTMAX = SoftmaxTransition()

_KINDS: Mapping[str, type[Transition]] = {
    "softmax": SoftmaxTransition,
    "cosine": CosineTransition,
    "doubly_stochastic": DoublyStochasticTransition,
    "top_k": TopKTransition,
}


def make_transition(kind: str = "softmax", **parameters: float) -> Transition:
    """Return a kind of transition matrix by its name in an ablation file.

    Args:
        kind: softmax, cosine, doubly_stochastic or top_k.
        **parameters: the parameters of that kind: `temperature`, and `k` of top_k.

    Raises:
        InputError: unknown kind, unknown parameter, or a parameter that is not positive.
    """
    if kind not in _KINDS:
        raise InputError(f"transition: unknown kind {kind!r}; known are {', '.join(_KINDS)}")
    try:
        return _KINDS[kind](**parameters)
    except TypeError as error:
        raise InputError(f"transition: kind {kind!r} does not take {', '.join(parameters)}") from error


def transition_matrix(features: Tensor, *, transition: Transition = SOFTMAX) -> Tensor:
    """Build the row-stochastic transition matrix of one level.

    Args:
        features: (B, D, N) node features of the level.
        transition: kind of matrix; the default is softmax(F^T F), as in the paper.

    Returns:
        (B, N, N); entry (i, j) is the weight of node j in the new value of node i, rows sum to 1.

    Raises:
        InputError: features of the wrong shape or dtype.
        DoesNotFitError: not enough memory for the logits and for P.
    """
    check_features(features)
    batch, _, nodes = features.shape
    require_memory(
        "transition matrix", matrices=2 * batch, nodes=nodes, dtype=features.dtype, device=features.device
    )
    return transition.matrix(features)
