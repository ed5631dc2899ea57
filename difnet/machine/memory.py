"""Memory that ran out: which errors say so, and one line for what was asked and what was free."""

from __future__ import annotations

import re

import psutil
import torch

RAN_OUT = re.compile(
    r"out of memory|ALLOC_FAILED|DefaultCPUAllocator|(?:Unable to|Cannot) allocate", re.IGNORECASE
)
"""In a message; cuBLAS and cuSOLVER have an error of their own for want of memory."""
ON_GPU = re.compile(r"CUDA|CUBLAS|CUSOLVER")
ASKED = re.compile(r"(?:allocate|of) (\d[\d.]* ?(?:bytes|[KMGT]iB))", re.IGNORECASE)


def ran_out(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on the CPU or on a GPU."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and RAN_OUT.search(str(error)) is not None
    )


def shortage(error: BaseException) -> str:
    """Say of such an error where memory ran out, what was asked for and what is free."""
    text = str(error)
    asked = ASKED.search(text)
    if ON_GPU.search(text) and torch.cuda.is_available():
        free, device = torch.cuda.mem_get_info()[0], "the GPU"
    else:
        free, device = psutil.virtual_memory().available, "the CPU"
    return (
        f"out of memory on {device}: {_readable(asked[1]) if asked else 'more'} asked for, "
        f"{free / 2**30:.1f} GiB free"
    )


def _readable(amount: str) -> str:
    number, unit = re.fullmatch(r"([\d.]+) ?(\w+)", amount).groups()  # type: ignore[union-attr]
    return f"{float(number) / 2**30:.1f} GiB" if unit == "bytes" else amount
