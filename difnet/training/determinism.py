"""Bits that depend on the configuration alone: the choice of kernels on a GPU."""

from __future__ import annotations

import os

import torch
import torch.utils.deterministic


def use_deterministic(enabled: bool) -> None:
    """Compute with deterministic kernels only, or with the fastest ones, from now on.

    Call it before the first operation on a GPU: cuBLAS reads its workspace once.
    """
    if enabled:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(enabled)
