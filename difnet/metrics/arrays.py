"""What NumPy and torch spell differently, so that each metric is written once."""

from __future__ import annotations

import sys
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A NumPy array, or a torch tensor on any device."""


def library(array: Array) -> Any:
    """The module whose functions take this array: `torch` or `numpy`."""
    # Who holds a tensor has imported torch; the analysis and the report hold none and start without it.
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(array, torch.Tensor) else np


def zeros(shape: tuple[int, ...], dtype: str, like: Array) -> Array:
    """Zeros of a type such as `int64`, of the library and device of `like`."""
    module = library(like)
    return module.zeros(shape, dtype=getattr(module, dtype), device=like.device)


def arange(size: int, dtype: str, like: Array) -> Array:
    """`0 .. size - 1` in a type such as `int64`, of the library and device of `like`."""
    module = library(like)
    return module.arange(size, dtype=getattr(module, dtype), device=like.device)


def converted(array: Array, dtype: str) -> Array:
    """The same values in a type such as `int64`; no copy when they are already."""
    module = library(array)
    return module.asarray(array, dtype=getattr(module, dtype))


def histogram(codes: Array, size: int) -> Array:
    """How often each of `0 .. size - 1` occurs in `codes`; int64 (size,)."""
    return library(codes).bincount(codes.reshape(-1), minlength=size)


def positions(condition: Array) -> Array:
    """Flat indices of the true (nonzero) entries, ascending; int64."""
    if library(condition) is np:
        return np.flatnonzero(condition)
    return condition.reshape(-1).nonzero().reshape(-1)


def to_numpy(array: Array) -> Any:
    """The array in host memory."""
    return array if library(array) is np else array.cpu().numpy()
