"""The device that networks run on, how it lays out their tensors, and the precision it trains them in."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

from difnet.config import TrainConfig


def choose_device() -> torch.device:
    """The first visible GPU (`difnet.machine.gpus` says which are visible), else the CPU."""
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


@cache
def _cpu_computes_in_bf16() -> bool:
    """By the flags of x86 and ARM processors that Linux tells; no elsewhere."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    return not words.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})
