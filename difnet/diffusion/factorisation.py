"""LU factorisation of M = I - (1-a) P, by torch or by any array module that mirrors SciPy.

Dimension letters: C classes, N nodes. One batch item at a time: CPU torch's batched LU gives wrong answers
(pytorch issue 142815).

M is strictly diagonally dominant because P is row-stochastic, so the factorisation always exists. LAPACK and
cuSOLVER store columns, torch stores rows: each class factorises M^T, which is M's memory read by columns,
and so needs no transposed copy.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor


class Factorisation(Protocol):
    """A factorised M of one batch item, ready for any number of solves."""

    def solve(self, rows: Tensor, *, transposed: bool) -> Tensor:
        """Solve M x = r (or M^T x = r if `transposed`) for every row r; (C, N) -> (C, N)."""
        ...


class TorchFactorisation:
    """LU by torch, on the CPU or on a GPU."""

    def __init__(self, matrix: Tensor) -> None:
        """Factorise M (N, N); a singular M gives a solution that is not finite."""
        self._lu, self._pivots, _ = torch.linalg.lu_factor_ex(matrix.mT)

    def solve(self, rows: Tensor, *, transposed: bool) -> Tensor:
        """Solve M x = r (or M^T x = r if `transposed`) for every row r; (C, N) -> (C, N)."""
        columns: Tensor = torch.linalg.lu_solve(self._lu, self._pivots, rows.mT, adjoint=not transposed)
        return columns.mT


@dataclass(frozen=True)
class ArrayModule:
    """What differs between NumPy with SciPy and CuPy: the LAPACK-like functions and the way in and out.

    Attributes:
        linalg: module with `lu_factor` and `lu_solve`: scipy.linalg or cupyx.scipy.linalg.
        from_tensor: a tensor as an array over the same memory.
        to_tensor: an array as a tensor over the same memory.
        scope: context in which every call to `linalg` runs (stream and allocator on a GPU).
    """

    linalg: Any
    from_tensor: Callable[[Tensor], Any]
    to_tensor: Callable[[Any], Tensor]
    scope: Callable[[], AbstractContextManager[Any]] = nullcontext


class ArrayFactorisation:
    """LU by an array module; NumPy with SciPy and CuPy run the same lines."""

    def __init__(self, matrix: Tensor, *, module: ArrayModule) -> None:
        """Factorise M (N, N), which is overwritten."""
        self._module = module
        with module.scope():
            columns = module.from_tensor(matrix).T
            self._lu = module.linalg.lu_factor(columns, overwrite_a=True, check_finite=False)

    def solve(self, rows: Tensor, *, transposed: bool) -> Tensor:
        """Solve M x = r (or M^T x = r if `transposed`) for every row r; (C, N) -> (C, N)."""
        with self._module.scope():
            columns = self._module.from_tensor(rows.contiguous()).T
            solution = self._module.linalg.lu_solve(
                self._lu, columns, trans=0 if transposed else 1, check_finite=False
            )
            return self._module.to_tensor(solution).T
