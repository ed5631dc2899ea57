"""LU factorisation of M = I - (1-a) P, by torch or by any array module that mirrors SciPy; torch solves.

Dimension letters: C classes, N nodes. One batch item at a time: CPU torch's batched LU gives wrong answers
(pytorch issue 142815).

M is strictly diagonally dominant because P is row-stochastic, so the factorisation always exists. LAPACK and
cuSOLVER store columns, torch stores rows: each function factorises M^T, which is M's memory read by columns,
and so needs no transposed copy.

SciPy factorises faster than torch on a CPU, but its threads go on spinning for a while after each call and
slow down torch's; solving with torch leaves one such spell a factorisation (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Factorisation:
    """A factorised M of one batch item, ready for any number of solves.

    Attributes:
        lu: factors of M^T, (N, N), stored by columns.
        pivots: (N,) int32, counted from 1 as in LAPACK.
    """

    lu: Tensor
    pivots: Tensor

    def solve(self, rows: Tensor, *, transposed: bool) -> Tensor:
        """Solve M x = r (or M^T x = r if `transposed`) for every row r; (C, N) -> (C, N)."""
        columns: Tensor = torch.linalg.lu_solve(self.lu, self.pivots, rows.mT, adjoint=not transposed)
        return columns.mT


@dataclass(frozen=True)
class ArrayModule:
    """What differs between NumPy with SciPy and CuPy: the factorisation and the way in and out.

    Attributes:
        lu_factor: of scipy.linalg or cupyx.scipy.linalg.
        from_tensor: a tensor as an array over the same memory.
        to_tensor: an array as a tensor over the same memory.
        scope: context in which the factorisation runs (stream and allocator on a GPU).
    """

    lu_factor: Callable[..., tuple[Any, Any]]
    from_tensor: Callable[[Tensor], Any]
    to_tensor: Callable[[Any], Tensor]
    scope: Callable[[], AbstractContextManager[Any]] = nullcontext


def factorise_by_torch(matrix: Tensor) -> Factorisation:
    """Factorise M (N, N); a singular M gives a solution that is not finite."""
    lu, pivots, _ = torch.linalg.lu_factor_ex(matrix.mT)
    return Factorisation(lu, pivots)


def factorise_by_array(matrix: Tensor, module: ArrayModule) -> Factorisation:
    """Factorise M (N, N), which is overwritten; NumPy with SciPy and CuPy run the same lines."""
    with module.scope():
        lu, pivots = module.lu_factor(module.from_tensor(matrix).T, overwrite_a=True, check_finite=False)
        return Factorisation(module.to_tensor(lu), module.to_tensor(pivots).int() + 1)
