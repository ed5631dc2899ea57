"""The few array operations that NumPy and torch spell differently, so that each metric is written once."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch

Array: TypeAlias = Any
"""A NumPy array, or a torch tensor on any device."""


def library(array: Array) -> Any:
    """The module whose functions take this array: ``torch`` or ``numpy``."""
    return torch if isinstance(array, torch.Tensor) else np


def zeros(shape: tuple[int, ...], bits: int, like: Array) -> Array:
    """Integers (or booleans when ``bits`` is 1) of the library and device of ``like``, all zero."""
    name = "bool" if bits == 1 else "uint8" if bits == 8 else f"int{bits}"
    if isinstance(like, torch.Tensor):
        return torch.zeros(shape, dtype=getattr(torch, name), device=like.device)
    return np.zeros(shape, dtype=name)


def widened(array: Array, bits: int) -> Array:
    """The same values as signed integers of ``bits`` bits."""
    if isinstance(array, torch.Tensor):
        return array.to(getattr(torch, f"int{bits}"))
    return array.astype(f"int{bits}")


def unsigned(array: Array) -> Array:
    """The same values as uint8; no copy when they are already."""
    if isinstance(array, torch.Tensor):
        return array.to(torch.uint8)
    return array.astype(np.uint8, copy=False)


def arange(size: int, bits: int, like: Array) -> Array:
    """``0 .. size - 1`` as signed integers of the library and device of ``like``."""
    if isinstance(like, torch.Tensor):
        return torch.arange(size, dtype=getattr(torch, f"int{bits}"), device=like.device)
    return np.arange(size, dtype=f"int{bits}")


def histogram(codes: Array, size: int) -> Array:
    """How often each of ``0 .. size - 1`` occurs in ``codes``; int64 (size,)."""
    flat = codes.reshape(-1)
    if isinstance(codes, torch.Tensor):
        return torch.bincount(flat, minlength=size)
    return np.bincount(flat, minlength=size)


def positions(condition: Array) -> Array:
    """Flat indices of the true (nonzero) entries, ascending; int64."""
    if isinstance(condition, torch.Tensor):
        return torch.nonzero(condition.reshape(-1)).reshape(-1)
    return np.flatnonzero(condition)


def number_below(ascending: Array, bounds: Array) -> Array:
    """How many of the ascending values are below each bound; int64."""
    if isinstance(ascending, torch.Tensor):
        return torch.searchsorted(ascending, bounds)
    return np.searchsorted(ascending, bounds)


def to_numpy(array: Array) -> Any:
    """The array in host memory."""
    return array.cpu().numpy() if isinstance(array, torch.Tensor) else array
