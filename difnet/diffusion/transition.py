"""Transition matrices: how much of each node's value a random walk takes from every other node.

Dimension letters: B batch, C classes, D embedding, N nodes.

Every kind is row-stochastic. A kind is *reversible* when a positive measure d exists with
d_i P_ij = d_j P_ji; then P has a real spectrum and conjugate gradients apply to the dense inverse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from difnet.config.errors import InputError
from difnet.diffusion.checks import check_features
from difnet.diffusion.memory import require_memory
from difnet.diffusion.sinkhorn import doubly_stochastic


class Transition(Protocol):
    """A kind of transition matrix with its parameters."""

    reversible: ClassVar[bool]

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
    reversible: ClassVar[bool] = True

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
    reversible: ClassVar[bool] = True

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
    reversible: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _require_positive("temperature", self.temperature)

    def matrix(self, features: Tensor) -> Tensor:
        """Build P by symmetric Sinkhorn scaling; (B, D, N) -> (B, N, N)."""
        embedded = features / math.sqrt(self.temperature)
        return doubly_stochastic(embedded.transpose(1, 2) @ embedded)

    def embed(self, features: Tensor) -> None:
        """Return None: no softmax walk does this; the matrix has to be built."""


@dataclass(frozen=True)
class TopKTransition:
    """P = softmax over each node's `k` most similar nodes (all nodes when there are fewer); not symmetric."""

    k: int = 32
    temperature: float = 1.0
    reversible: ClassVar[bool] = False

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
