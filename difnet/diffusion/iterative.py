"""The inverse without its matrix: the same solution as `dense_inverse`, in memory that grows as N.

Dimension letters: B batch, C classes, D embedding, L levels, N nodes. M = I - (1-a) P with P = sum_l w_l P_l.
Backward is implicit: one solve with M^T, then one walk's derivative, however many iterations forward took.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from difnet.config.errors import InputError, RunError
from difnet.diffusion.checks import check_features, check_finite, check_signal, restart_tensor
from difnet.diffusion.krylov import System, conjugate_gradients, conjugate_residuals, neumann
from difnet.diffusion.matrix_free import LevelProduct, MixtureProduct
from difnet.diffusion.transition import SOFTMAX, Transition
from difnet.diffusion.walk import random_walk

RESTARTS = 3


@dataclass(frozen=True)
class IterativeSolution:
    """A solution and how it was found.

    Attributes:
        values: (B, C, N).
        products: how many products with P it took, over all methods.
        residual: largest residual of M h = a seeds, recomputed, over the largest seed of its batch item.
        method: "conjugate gradients", "conjugate residuals", or one of these and "neumann".
    """

    values: Tensor
    products: int
    residual: float
    method: str


def iterative_inverse(
    levels: Tensor | Sequence[Tensor],
    seeds: Tensor,
    a: float | Tensor,
    tol: float,
    weights: Tensor | Sequence[float] | None = None,
    *,
    transition: Transition = SOFTMAX,
) -> Tensor:
    """Solve h = a (I - (1-a) P)^{-1} seeds by products with P alone; never builds N x N.

    One level is reversible and takes conjugate gradients; a mixture takes conjugate residuals; where either
    stagnates, the Neumann iteration finishes. The error is at most tol / a of the largest seed.

    Args:
        levels: node features (B, D, N) of one level, or one tensor (B, D_l, N) a level.
        seeds: (B, C, N).
        a: restart weight in (0, 1], a number or a tensor with one element.
        tol: max-norm residual of (I - (1-a) P) h = a seeds at which to stop, relative to the largest
            seed of the batch item. Backward stops at the same fraction of its right-hand side in the 1-norm.
        weights: (L,) convex weights of the levels; equal weights by default.
        transition: a kind that has an embedding (softmax or cosine).

    Returns:
        (B, C, N) in the dtype of the seeds, differentiable once in `levels`, `seeds`, `a` and `weights`.

    Raises:
        InputError: arguments that do not fit, or features or seeds that are not finite.
        RunError: the tolerance is below what the dtype can reach, or the numbers overflow.
    """
    features, exact_seeds, restart, mixture = _prepare(
        levels, seeds, a, tol=tol, weights=weights, transition=transition
    )
    if seeds.numel() == 0:
        return seeds
    solution: Tensor = _IterativeInverse.apply(exact_seeds, restart, mixture, tol, *features)
    return solution.to(seeds.dtype)


def iterative_solve(
    levels: Tensor | Sequence[Tensor],
    seeds: Tensor,
    a: float | Tensor,
    tol: float,
    weights: Tensor | Sequence[float] | None = None,
    *,
    transition: Transition = SOFTMAX,
) -> IterativeSolution:
    """Solve as `iterative_inverse` does, without gradients; arguments and errors are the same.

    Returns:
        The solution with the number of products, the final residual and the method.
    """
    with torch.no_grad():
        features, exact_seeds, restart, mixture = _prepare(
            levels, seeds, a, tol=tol, weights=weights, transition=transition
        )
        return _solve(_product(features, mixture), exact_seeds, float(restart), tol)


def _prepare(
    levels: Tensor | Sequence[Tensor],
    seeds: Tensor,
    a: float | Tensor,
    *,
    tol: float,
    weights: Tensor | Sequence[float] | None,
    transition: Transition,
) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
    """Check the arguments; return embedded features, seeds, a and the levels' weights in one exact dtype."""
    levels = [levels] if isinstance(levels, Tensor) else list(levels)
    if not levels or not tol > 0:
        raise InputError(
            f"iterative inverse: needs at least one level and tol > 0, not {len(levels)} and {tol:g}"
        )
    dtype = torch.promote_types(seeds.dtype, torch.float32)
    features = []
    for level in levels:
        check_features(level)
        check_signal(seeds, batch=level.shape[0], nodes=level.shape[2])
        embedded = transition.embed(level.to(torch.promote_types(level.dtype, dtype)))
        if embedded is None:
            raise InputError(
                f"iterative inverse: {type(transition).__name__} needs its matrix: use the dense inverse"
            )
        check_finite(embedded, "iterative inverse, features")
        features.append(embedded.to(dtype))
    exact_seeds = seeds.to(dtype)
    check_finite(exact_seeds, "iterative inverse, seeds")
    if weights is None:
        weights = [1 / len(levels)] * len(levels)
    mixture = torch.as_tensor(weights, dtype=dtype, device=seeds.device)
    fixed = mixture.detach()
    convex = (
        mixture.shape == (len(levels),) and bool((fixed >= 0).all()) and abs(float(fixed.sum()) - 1) < 1e-4
    )
    if not convex:
        raise InputError(f"iterative inverse: weights must be {len(levels)} numbers >= 0 that sum to 1")
    return features, exact_seeds, restart_tensor(a, like=exact_seeds), mixture


def _product(features: list[Tensor], mixture: Tensor) -> LevelProduct | MixtureProduct:
    return LevelProduct(features[0]) if len(features) == 1 else MixtureProduct(features, mixture)


def _solve(
    product: LevelProduct | MixtureProduct, right: Tensor, a: float, tol: float, *, transposed: bool = False
) -> IterativeSolution:
    """Solve M h = a right, or M^T y = a right; (B, C, N)."""
    largest = right.abs().sum(dim=-1) if transposed else right.abs().amax(dim=-1)
    scale = largest.amax(dim=1, keepdim=True)
    system = System(
        product=product.transposed if transposed else product.forward,
        a=a,
        threshold=tol * scale,
        norm="sum" if transposed else "max",
    )
    x, products, methods = right, 0, []
    for _ in range(RESTARTS):
        residual = a * right - system.apply(x)
        products += 1
        if not bool(system.unsolved(residual).any()):
            break
        if not isinstance(product, MixtureProduct):
            methods.append("conjugate gradients")
            best, count = conjugate_gradients(system, x, residual, _measure(product, transposed=transposed))
        else:
            methods.append("conjugate residuals")
            best, count = conjugate_residuals(system, x, residual)
        products += count
        x = best.x
        if best.stagnates:
            methods.append("neumann")
            x, count = neumann(system, x, best.residual, _neumann_limit(system, best.residual))
            products += count
    residual = system.size(a * right - system.apply(x))
    if not bool(residual.isfinite().all()):
        raise RunError("iterative inverse: features, seeds or gradients are so large that numbers overflow")
    if bool((residual > system.threshold).any()):
        raise RunError(
            f"iterative inverse: residual {float((residual / scale).max()):.1e} after {products} products, "
            f"tol is {tol:g}: raise tol, or use float64 seeds"
        )
    relative = float((residual / scale.clamp_min(torch.finfo(scale.dtype).tiny)).max())
    return IterativeSolution(
        values=x, products=products, residual=relative, method=" + ".join(dict.fromkeys(methods))
    )


def _measure(product: LevelProduct, *, transposed: bool) -> Tensor:
    """Return the measure d, or 1/d for M^T, divided by its largest value; (B, N) in float64."""
    logs = product.log_measure.double()
    logs = -logs if transposed else logs
    return torch.exp(logs - logs.amax(dim=-1, keepdim=True))


def _neumann_limit(system: System, residual: Tensor) -> int:
    """Return the number of steps after which the contraction 1-a guarantees the threshold, and a few more."""
    if system.a == 1.0:
        return 2
    excess = float((system.size(residual) / system.threshold).nan_to_num(0.0, posinf=0.0).max())
    return math.ceil(math.log(max(excess, 1.0)) / -math.log1p(-system.a)) + 10


class _IterativeInverse(torch.autograd.Function):
    """Solve with M in forward, with M^T in backward; derivatives of P by one walk."""

    @staticmethod
    def forward(ctx: Any, seeds: Tensor, a: Tensor, mixture: Tensor, tol: float, *features: Tensor) -> Tensor:
        with torch.autocast(seeds.device.type, enabled=False):
            product = _product(list(features), mixture)
            solution = _solve(product, seeds, float(a), tol).values
        ctx.save_for_backward(seeds, a, mixture, solution, *features)
        ctx.product, ctx.tol = product, tol
        return solution

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        seeds, a, mixture, solution, *features = ctx.saved_tensors
        weight = float(a)
        with torch.autocast(seeds.device.type, enabled=False):
            # M^T z = a g, so that dL/dseeds = z and M^{-T} g = z / a.
            seeds_gradient = _solve(ctx.product, gradient, weight, ctx.tol, transposed=True).values
            adjoint = seeds_gradient / weight
            with torch.enable_grad():
                inputs = [
                    mixture.detach().requires_grad_(),
                    *(level.detach().requires_grad_() for level in features),
                ]
                walked = _mixed_walk(inputs[1:], inputs[0], solution)
            gradients = torch.autograd.grad(walked, inputs, (1 - weight) * adjoint)
            a_gradient = (adjoint * (seeds - walked.detach())).sum()
        return seeds_gradient, a_gradient, gradients[0], None, *gradients[1:]


def _mixed_walk(features: Sequence[Tensor], mixture: Tensor, signal: Tensor) -> Tensor:
    """Return sum_l w_l P_l x, differentiably; (B, C, N)."""
    walks = [weight * random_walk(level, signal) for weight, level in zip(mixture, features, strict=True)]
    return torch.stack(walks).sum(dim=0)
