"""The dense inverse: the exact limit of the diffusion, by one LU factorisation a batch item.

Dimension letters: B batch, C classes, N nodes. With M = I - (1-a) P and every class a row of h and seeds:

    forward    M h = a seeds
    backward   M^T y = dL/dh;  dL/dseeds = a y,  dL/dP = (1-a) y^T h,  dL/da = <y, seeds - P h>
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from difnet.config.errors import InputError, RunError
from difnet.diffusion.checks import check_finite, check_signal, require_memory, restart_tensor
from difnet.diffusion.lu_backends import Backend, Factorisation, choose_backend, factorise

ACCURACY = 1e-7
REFINEMENT_STEPS = 5
SAFETY = 100
BLOCK_ROWS = 128
"""Rows of P that are in float64 at once: small enough for a cache."""


def dense_inverse(transition: Tensor, seeds: Tensor, a: float | Tensor, backend: Backend = "auto") -> Tensor:
    """Solve the diffusion exactly: h = a (I - (1-a) P)^{-1} seeds.

    One LU factorisation a batch item serves all classes and, transposed, the backward pass; no inverse is
    formed. Half-precision input is solved in float32 (under autocast too); the float32 solution is refined
    with float64 residuals to a relative error below 1e-6, float64 input is solved in float64.

    Args:
        transition: (B, N, N), P, row-stochastic.
        seeds: (B, C, N).
        a: restart weight in (0, 1], a number or a tensor with one element.
        backend: cupy, scipy, torch, or auto (see `choose_backend`).

    Returns:
        (B, C, N) in the dtype of the seeds, differentiable once in `transition`, `seeds` and `a`.

    Raises:
        InputError: shapes, `a` or backend that do not fit, or input that is not finite.
        RunError: not enough memory, or a refinement that does not converge (rows of P that do not sum to 1).
    """
    if transition.ndim != 3 or transition.shape[1] != transition.shape[2]:
        raise InputError(
            f"the transition must have shape (batch, nodes, nodes), not {tuple(transition.shape)}"
        )
    check_signal(seeds, batch=transition.shape[0], nodes=transition.shape[2])
    chosen = choose_backend(backend, seeds.device, nodes=seeds.shape[2])
    dtype = torch.promote_types(torch.promote_types(transition.dtype, seeds.dtype), torch.float32)
    if seeds.numel() == 0:
        return seeds
    with torch.autocast(seeds.device.type, enabled=False):
        exact_seeds = seeds.to(dtype)
        restart = restart_tensor(a, like=exact_seeds)
        solution: Tensor = _DenseInverse.apply(transition.to(dtype), exact_seeds, restart, chosen)
    return solution.to(seeds.dtype)


class _DenseInverse(torch.autograd.Function):
    """Solve with M in forward, with M^T in backward, from the same factorisations."""

    @staticmethod
    def forward(ctx: Any, transition: Tensor, seeds: Tensor, a: Tensor, backend: str) -> Tensor:
        for name, tensor in (("transition", transition), ("seeds", seeds)):
            check_finite(tensor, f"dense inverse, {name}")
        keeps = len(transition) if any(ctx.needs_input_grad) else 1
        require_memory(
            "dense inverse",
            matrices=keeps,
            nodes=transition.shape[-1],
            dtype=transition.dtype,
            device=seeds.device,
        )
        weight = float(a)
        factors: list[Factorisation] = []
        items = []
        for matrix, rows in zip(transition, seeds, strict=True):
            factor = factorise(_system_matrix(matrix, weight), backend)
            items.append(_refined(factor, matrix, weight * rows.double(), weight, transposed=False))
            if any(ctx.needs_input_grad):
                factors.append(factor)
        solution = torch.stack(items).to(seeds.dtype)
        ctx.save_for_backward(transition, seeds, a, solution)
        ctx.factors = factors
        return solution

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        transition, seeds, a, solution = ctx.saved_tensors
        weight = float(a)
        with torch.autocast(seeds.device.type, enabled=False):
            adjoint = torch.stack(
                [
                    _refined(factor, matrix, rows.double(), weight, transposed=True)
                    for factor, matrix, rows in zip(ctx.factors, transition, gradient, strict=True)
                ]
            ).to(seeds.dtype)
            needs_transition, needs_seeds, needs_a, _ = ctx.needs_input_grad
            return (
                ((1 - weight) * adjoint).mT @ solution if needs_transition else None,
                weight * adjoint if needs_seeds else None,
                (adjoint * (seeds - solution @ transition.mT)).sum() if needs_a else None,
                None,
            )


def _system_matrix(transition: Tensor, a: float) -> Tensor:
    """Return M = I - (1-a) P in new memory; (N, N)."""
    matrix = transition * (a - 1)
    matrix.diagonal().add_(1)
    return matrix


def _refined(
    factor: Factorisation, transition: Tensor, rows: Tensor, a: float, *, transposed: bool
) -> Tensor:
    """Solve M x = rows (or M^T x = rows) and refine until float64 residuals are small.

    Args:
        factor: the factorisation of M, in the dtype of `transition`.
        transition: (N, N), P.
        rows: (C, N) in float64.
        a: restart weight.
        transposed: solve with M^T.

    Returns:
        (C, N) in float64; relative error about `ACCURACY`.
    """
    scale = rows.abs().max()
    solution = factor.solve(rows.to(transition.dtype), transposed=transposed).double()
    for _ in range(REFINEMENT_STEPS):
        residual = rows - solution + (1 - a) * _product(transition, solution, transposed=transposed)
        size = residual.abs().max()
        if bool(size <= ACCURACY * a * scale):
            return solution
        solution = solution + factor.solve(residual.to(transition.dtype), transposed=transposed).double()
        # A solve leaves the fraction size / scale of its right-hand side, so this one leaves its square.
        if bool(SAFETY * size**2 <= ACCURACY * a * scale**2):
            return solution
    raise RunError(
        f"dense inverse: no solution to {ACCURACY:g} after {REFINEMENT_STEPS} refinements; "
        "do the rows of the transition sum to 1? Else use float64"
    )


def _product(transition: Tensor, rows: Tensor, *, transposed: bool) -> Tensor:
    """Return P x, or P^T x, for every row x (C, N) in float64, one block of P in float64 at a time."""
    product = torch.zeros_like(rows)
    buffer = rows.new_empty(BLOCK_ROWS, transition.shape[1])
    for first in range(0, len(transition), BLOCK_ROWS):
        nodes = slice(first, min(first + BLOCK_ROWS, len(transition)))
        block = buffer[: nodes.stop - first].copy_(transition[nodes])
        if transposed:
            product.addmm_(rows[:, nodes], block)
        else:
            product[:, nodes] = rows @ block.mT
    return product
