"""The number of compute threads: part of a run's configuration, since rounding depends on it."""

from __future__ import annotations

import torch
from threadpoolctl import threadpool_limits


def use_threads(threads: int) -> None:
    """Let PyTorch, and the BLAS of NumPy and SciPy, compute with this many threads from now on."""
    torch.set_num_threads(threads)
    threadpool_limits(limits=threads)
