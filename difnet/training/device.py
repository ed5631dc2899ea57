"""How networks are computed: device, layout, precision, threads, and kernels that give equal bits."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import torch
import torch.utils.deterministic
from threadpoolctl import threadpool_limits

from difnet.config import TrainConfig


def choose_device() -> torch.device:
    """The first visible GPU (`difnet.machine.gpus` says which are visible), else the CPU.

    From now on single precision means that of IEEE 754: else cuDNN would round what it convolves to the 10
    bits of TF32, and in some containers cuBLAS what it multiplies.
    """
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def memory_format(train: TrainConfig) -> torch.memory_format:
    """Of networks and images: channels last, or contiguous."""
    return torch.channels_last if train.channels_last else torch.contiguous_format


def trains_in_bf16(train: TrainConfig) -> bool:
    """Whether convolutions train in bfloat16: as `train.precision` says, or where the device has it."""
    if train.precision != "auto":
        return train.precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return _cpu_computes_in_bf16()


def use_threads(threads: int) -> None:
    """Let PyTorch, and the BLAS of NumPy and SciPy, compute with this many threads from now on.

    Their number is part of a run's configuration, since rounding depends on it.
    """
    torch.set_num_threads(threads)
    threadpool_limits(limits=threads)


def use_deterministic(enabled: bool) -> None:
    """Compute with deterministic kernels only, or with the fastest ones, from now on.

    Call it before the first operation on a GPU: cuBLAS reads its workspace once.
    """
    if enabled:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    # As `use_deterministic_algorithms` does, which imports the compiler for a second.
    torch.set_deterministic_debug_mode("error" if enabled else "default")


@cache
def _cpu_computes_in_bf16() -> bool:
    """By the flags of x86 and ARM processors that Linux tells; no elsewhere."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    return not words.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})
