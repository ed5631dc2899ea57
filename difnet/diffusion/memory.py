"""A look at free memory before a large allocation: a failure is one line, not a killed process."""

from __future__ import annotations

import math

import psutil
import torch

from difnet.config.errors import RunError


class DoesNotFitError(RunError):
    """An operator needs more memory than is free."""


def free_memory(device: torch.device) -> int:
    """Return the bytes that an allocation on `device` can take now, torch's own cache included."""
    if device.type != "cuda":
        return int(psutil.virtual_memory().available)
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + cached


def require_memory(what: str, *, matrices: int, nodes: int, dtype: torch.dtype, device: torch.device) -> None:
    """Fail in one line if so many N x N matrices do not fit.

    Args:
        what: the operator, for the message.
        matrices: how many N x N matrices it allocates.
        nodes: N.
        dtype: their dtype.
        device: where they will live.

    Raises:
        DoesNotFitError: with the need, the free memory, the largest grid that fits, and the iterative solver.
    """
    need = matrices * nodes**2 * dtype.itemsize
    free = free_memory(device)
    if need > free:
        fits = math.isqrt(free // (matrices * dtype.itemsize))
        matrix = f"N x N {str(dtype).removeprefix('torch.')}"
        raise DoesNotFitError(
            f"{what}: {nodes} nodes need {need / 1e9:.1f} GB (matrices of {matrix}: {matrices}), "
            f"{free / 1e9:.1f} GB are free on {device}: "
            f"use a grid of at most {fits} nodes, or the iterative inverse"
        )
