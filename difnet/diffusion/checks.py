"""What every diffusion operator checks before it computes: its arguments, and the free memory.

Dimension letters: B batch, C classes, D embedding, N nodes.
"""

from __future__ import annotations

import math

import psutil
import torch
from torch import Tensor

from difnet.config.errors import InputError, RunError


class DoesNotFitError(RunError):
    """An operator needs more memory than is free."""


def check_features(features: Tensor) -> None:
    """Require floating-point node features.

    Args:
        features: (B, D, N).

    Raises:
        InputError: wrong number of dimensions or an integer dtype.
    """
    if features.ndim != 3 or not features.is_floating_point():
        raise InputError(
            f"features must be a floating-point tensor of shape (batch, embedding, nodes), "
            f"not {features.dtype} of shape {tuple(features.shape)}"
        )


def check_signal(signal: Tensor, *, batch: int, nodes: int) -> None:
    """Require a floating-point signal on the nodes.

    Args:
        signal: (B, C, N).
        batch: B of the features or of the transition matrix.
        nodes: N of the features or of the transition matrix.

    Raises:
        InputError: the shape does not fit, or an integer dtype.
    """
    fits = signal.ndim == 3 and signal.shape[0] == batch and signal.shape[2] == nodes
    if not fits or not signal.is_floating_point():
        raise InputError(
            f"the signal must be a floating-point tensor of shape ({batch}, classes, {nodes}), "
            f"not {signal.dtype} of shape {tuple(signal.shape)}"
        )


def check_finite(tensor: Tensor, what: str) -> None:
    """Require finite values.

    Args:
        tensor: of any shape.
        what: whose values these are, for the message.

    Raises:
        InputError: one is infinite or not a number.
    """
    if tensor.numel() and not bool(torch.stack(tensor.detach().aminmax()).isfinite().all()):
        raise InputError(
            f"{what}: values that are not finite; if they are trained, lower train.learning_rate"
        )


def restart_tensor(a: float | Tensor, *, like: Tensor) -> Tensor:
    """Return the restart weight as a 0-d tensor beside `like`.

    Args:
        a: restart weight in (0, 1]; a number or a tensor with one element, which may need a gradient.
        like: tensor whose device and dtype the result takes.

    Returns:
        0-d tensor, connected to `a`.

    Raises:
        InputError: `a` has several elements or lies outside (0, 1].
    """
    weight = torch.as_tensor(a, dtype=like.dtype, device=like.device)
    if weight.numel() != 1:
        raise InputError(
            f"the restart weight a must be one number, not a tensor of shape {tuple(weight.shape)}"
        )
    weight = weight.reshape(())
    value = float(weight.detach())
    if not 0.0 < value <= 1.0:
        raise InputError(
            f"the restart weight a must lie in (0, 1], not {value:g}; if it is learned, training diverged: "
            "lower train.learning_rate"
        )
    return weight


def require_memory(what: str, *, matrices: int, nodes: int, dtype: torch.dtype, device: torch.device) -> None:
    """Fail in one line if so many N x N matrices do not fit, before the process is killed for them.

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


def free_memory(device: torch.device) -> int:
    """Return the bytes that an allocation on `device` can take now, torch's own cache included."""
    if device.type != "cuda":
        return int(psutil.virtual_memory().available)
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + cached
