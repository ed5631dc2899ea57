"""Iterations for M x = b, M = I - (1-a) P, that need only products with P.

Dimension letters: B batch, C classes, N nodes. Every (batch, class) row is a right-hand side of its own: it
is frozen once its residual is below its threshold, while the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]

PATIENCE = 8
DIRECTIONS = 24


@dataclass(frozen=True)
class System:
    """One linear system with its stopping rule.

    Attributes:
        product: x -> P x (or P^T x).
        a: restart weight.
        threshold: (B, 1), the norm of the residual at which a right-hand side is solved.
        norm: max for P, in which (1-a) P contracts; sum for P^T.
    """

    product: Product
    a: float
    threshold: Tensor
    norm: Literal["max", "sum"]

    def apply(self, x: Tensor) -> Tensor:
        """Return M x; (B, C, N)."""
        return x - (1 - self.a) * self.product(x)

    def size(self, residual: Tensor) -> Tensor:
        """Return the norm of each right-hand side's residual; (B, C, N) -> (B, C)."""
        return residual.abs().amax(dim=-1) if self.norm == "max" else residual.abs().sum(dim=-1)

    def unsolved(self, residual: Tensor) -> Tensor:
        """Return which right-hand sides are not solved yet; (B, C, N) -> (B, C)."""
        return ~(self.size(residual) <= self.threshold)


class Best:
    """The best iterate so far of each right-hand side, and whether progress has stopped."""

    def __init__(self, system: System, x: Tensor, residual: Tensor) -> None:
        """Start from x and its residual, (B, C, N)."""
        self._system = system
        self.x, self.residual = x, residual
        self._size = system.size(residual)
        self._reference = self._size.clone()
        self._waited = 0

    def update(self, x: Tensor, residual: Tensor) -> None:
        """Keep the rows of x that are better than any before."""
        size = self._system.size(residual)
        better = (size < self._size).unsqueeze(-1)
        self.x = torch.where(better, x, self.x)
        self.residual = torch.where(better, residual, self.residual)
        self._size = torch.minimum(size.nan_to_num(torch.inf), self._size)
        # Written so that a size that is not a number counts as one that does not shrink.
        unsolved = ~(self._size <= self._system.threshold)
        if bool((unsolved & ~(self._size <= self._reference / 2)).any()):
            self._waited += 1
        else:
            self._waited, self._reference = 0, self._size.clone()

    @property
    def stagnates(self) -> bool:
        """Whether some unsolved residual has not halved in the last `PATIENCE` steps."""
        return self._waited >= PATIENCE


def conjugate_gradients(system: System, x: Tensor, residual: Tensor, measure: Tensor) -> tuple[Best, int]:
    """Run conjugate gradients in the inner product <x, y> = sum_i d_i x_i y_i, in which M is self-adjoint.

    Inner products are taken in float64, where the measure may span 300 orders of magnitude.

    Args:
        system: the system.
        x: (B, C, N), the start.
        residual: (B, C, N), of the start.
        measure: (B, N) in float64, d up to a factor.

    Returns:
        The best iterate, and the number of products.
    """
    weights = measure.unsqueeze(1)

    def dot(left: Tensor, right: Tensor) -> Tensor:
        return (left.double() * right.double() * weights).sum(dim=-1, keepdim=True)

    best = Best(system, x, residual)
    direction, energy, products = residual, dot(residual, residual), 0
    while bool((active := system.unsolved(best.residual)).any()) and not best.stagnates:
        image = system.apply(direction)
        products += 1
        moves = active.unsqueeze(-1)
        step = torch.where(moves, energy / dot(direction, image), 0.0).to(x.dtype)
        x, residual = x + step * direction, residual - step * image
        best.update(x, residual)
        next_energy = dot(residual, residual)
        direction = residual + torch.where(moves, next_energy / energy, 0.0).to(x.dtype) * direction
        energy = next_energy
    return best, products


def conjugate_residuals(system: System, x: Tensor, residual: Tensor) -> tuple[Best, int]:
    """Run generalised conjugate residuals (Eisenstat, Elman & Schultz 1983): GMRES's residuals, for any P.

    Restarted after `DIRECTIONS` steps; unlike GMRES it holds the residual itself, whose max norm decides.

    Args:
        system: the system.
        x: (B, C, N), the start.
        residual: (B, C, N), of the start.

    Returns:
        The best iterate, and the number of products.
    """
    best = Best(system, x, residual)
    directions: list[Tensor] = []
    images: list[Tensor] = []
    products = 0
    while bool((active := system.unsolved(best.residual)).any()) and not best.stagnates:
        if len(images) == DIRECTIONS:
            directions, images = [], []
        direction, image = residual, system.apply(residual)
        products += 1
        for earlier, earlier_image in zip(directions, images, strict=True):
            overlap = (image * earlier_image).sum(dim=-1, keepdim=True)
            direction, image = direction - overlap * earlier, image - overlap * earlier_image
        length = torch.linalg.vector_norm(image, dim=-1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
        direction, image = direction / length, image / length
        step = torch.where(active.unsqueeze(-1), (residual * image).sum(dim=-1, keepdim=True), 0.0)
        x, residual = x + step * direction, residual - step * image
        best.update(x, residual)
        directions.append(direction)
        images.append(image)
    return best, products


def neumann(system: System, x: Tensor, residual: Tensor, limit: int) -> tuple[Tensor, int]:
    """Run h <- a seeds + (1-a) P h, whose residual shrinks by 1-a in each step for any row-stochastic P.

    Args:
        system: the system.
        x: (B, C, N), the start.
        residual: (B, C, N), of the start.
        limit: the largest number of products.

    Returns:
        Solution (B, C, N) and the number of products.
    """
    products = 0
    while products < limit and bool((active := system.unsolved(residual)).any()):
        moves = active.unsqueeze(-1)
        x = torch.where(moves, x + residual, x)
        residual = torch.where(moves, (1 - system.a) * system.product(residual), residual)
        products += 1
    return x, products
