"""LU factorisation of M = I - (1-a) P by one of three backends, and the choice among them.

Dimension letters: C classes, N nodes. One batch item at a time: CPU torch's batched LU gives wrong answers
(pytorch issue 142815).

M is strictly diagonally dominant because P is row-stochastic, so the factorisation always exists. LAPACK and
cuSOLVER store columns, torch stores rows: each backend factorises M^T, which is M's memory read by columns,
and so needs no transposed copy. torch solves, whatever factorised: SciPy factorises faster on a CPU, but its
threads go on spinning for a while after each call and slow down torch's (docs/performance.md).

`cupy` factorises on the device of the matrix and torch's current stream there, shares memory with torch by
DLPack and takes its scratch memory from torch's allocator, so that one pool serves both. `scipy` and `torch`
need no GPU.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import scipy.linalg
import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from difnet.config.errors import InputError

Backend = Literal["auto", "cupy", "scipy", "torch"]

FEWEST_SCIPY_NODES = 1024

_log = logging.getLogger(__name__)


def choose_backend(backend: Backend, device: torch.device, *, nodes: int) -> str:
    """Return the backend that will factorise on `device`: cupy, scipy or torch.

    `auto` takes CuPy on a GPU where it works and torch on a GPU where it does not; on the CPU SciPy, whose LU
    is faster, and below `FEWEST_SCIPY_NODES` torch, where a second thread pool costs more than it gains. It
    logs each choice once.

    Raises:
        InputError: an unknown backend, or one that cannot work here, with the reason and a remedy.
    """
    if backend not in get_args(Backend):
        raise InputError(
            f"unknown backend {backend!r} of the dense inverse; known are {', '.join(get_args(Backend))}"
        )
    if backend == "auto":
        return _automatic(device.type, small=nodes < FEWEST_SCIPY_NODES)
    if backend == "cupy" and (problem := cupy_problem(device)):
        raise InputError(f'backend "cupy" {problem}; or use backend "scipy" or "torch"')
    if backend == "scipy" and device.type != "cpu":
        raise InputError(f'backend "scipy" works on CPU tensors, not on {device}; use "cupy" or "torch"')
    return backend


def cupy_problem(device: torch.device) -> str:
    """Return why CuPy cannot solve on `device`, as the end of a sentence, or an empty string if it can."""
    if not torch.cuda.is_available():
        return "needs a CUDA device, and there is none on this machine"
    if device.type != "cuda":
        return f"works on CUDA tensors, these are on {device}: move them to the GPU"
    return _import_problem()


@cache
def _import_problem() -> str:
    """Why CuPy cannot be used at all, which importing it and asking it for devices tells."""
    try:
        import cupy
        import cupyx.scipy.linalg  # noqa: F401

        cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # a package of another CUDA, driver or NumPy fails in ways of its own
        reason = (str(error).splitlines() or [""])[0]
        missing = isinstance(error, ModuleNotFoundError) and error.name == "cupy"
        state = "is not installed" if missing else f"does not work here ({type(error).__name__}: {reason})"
        return f"needs CuPy, which {state}: pip install cupy-cuda12x or cupy-cuda13x, as `nvidia-smi` says"
    return ""


@cache
def _automatic(device_type: str, *, small: bool) -> str:
    """Choose the backend for `auto`; the cache makes each log line appear once."""
    if device_type == "cpu":
        chosen = "torch" if small else "scipy"
    else:
        problem = cupy_problem(torch.device(device_type))
        chosen = "torch" if problem else "cupy"
        if problem:
            _log.warning('dense inverse: torch factorises, since backend "cupy" %s', problem)
    size = f"{'below' if small else 'from'} {FEWEST_SCIPY_NODES} nodes"
    _log.info("dense inverse: backend auto takes %s on %s %s", chosen, device_type, size)
    return chosen


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


def factorise(matrix: Tensor, backend: str) -> Factorisation:
    """Factorise M (N, N) by a chosen backend.

    `matrix` may be overwritten; a singular M gives a solution that is not finite.
    """
    if backend == "torch":
        lu, pivots, _ = torch.linalg.lu_factor_ex(matrix.mT)
        return Factorisation(lu, pivots)
    module = SCIPY_MODULE if backend == "scipy" else cupy_module()
    with module.scope(matrix.device):
        lu, pivots = module.lu_factor(module.from_tensor(matrix).T, overwrite_a=True, check_finite=False)
        return Factorisation(module.to_tensor(lu), module.to_tensor(pivots).int() + 1)


@dataclass(frozen=True)
class ArrayModule:
    """What differs between NumPy with SciPy and CuPy: the factorisation and the way in and out.

    Attributes:
        lu_factor: of scipy.linalg or cupyx.scipy.linalg.
        from_tensor: a tensor as an array over the same memory.
        to_tensor: an array as a tensor over the same memory.
        scope: context in which the factorisation runs on a device (its stream and allocator on a GPU).
    """

    lu_factor: Callable[..., tuple[Any, Any]]
    from_tensor: Callable[[Tensor], Any]
    to_tensor: Callable[[Any], Tensor]
    scope: Callable[[torch.device], AbstractContextManager[Any]] = nullcontext


SCIPY_MODULE = ArrayModule(
    lu_factor=scipy.linalg.lu_factor, from_tensor=Tensor.numpy, to_tensor=torch.from_numpy
)


def cupy_module() -> ArrayModule:
    """Return CuPy as an array module; call only where a CUDA device is."""
    import cupy
    import cupyx.scipy.linalg

    return ArrayModule(
        lu_factor=cupyx.scipy.linalg.lu_factor,
        from_tensor=cupy.from_dlpack,
        to_tensor=from_dlpack,
        scope=_torch_scope,
    )


@contextmanager
def _torch_scope(device: torch.device) -> Iterator[None]:
    """Run CuPy on a device and on torch's current stream there, with memory from torch's allocator."""
    import cupy

    with (
        torch.cuda.device(device),  # of which alone torch shares tensors
        cupy.cuda.Device(device.index),
        _cupy_stream(torch.cuda.current_stream(device)),
        cupy.cuda.using_allocator(_torch_allocator().malloc),
    ):
        yield


def _cupy_stream(stream: torch.cuda.Stream) -> Any:
    """A stream of torch as one of CuPy."""
    import cupy

    if hasattr(cupy.cuda.Stream, "from_external"):
        return cupy.cuda.Stream.from_external(stream)
    return cupy.cuda.ExternalStream(stream.cuda_stream, stream.device_index)  # before CuPy 14


@cache
def _torch_allocator() -> Any:
    """Return a CuPy allocator that takes its memory from torch's caching allocator."""
    import cupy

    def allocate(size: int, device: int) -> int:
        return int(torch.cuda.caching_allocator_alloc(size, device, torch.cuda.current_stream(device)))

    def free(pointer: int, device: int) -> None:
        torch.cuda.caching_allocator_delete(pointer)  # type: ignore[no-untyped-call]

    return cupy.cuda.PythonFunctionAllocator(allocate, free)
