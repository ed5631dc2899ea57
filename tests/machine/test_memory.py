"""Which errors mean that memory ran out, and what is said of them."""

from __future__ import annotations

import re

import pytest
import torch

from difnet.machine.memory import ran_out, shortage

CUDA = "CUDA out of memory. Tried to allocate 20.50 GiB. GPU 0 has a total capacity of 16.00 GiB of which 1"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError(CUDA), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate`"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: misaligned address"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_errors_of_every_library(error: Exception, expected: bool) -> None:
    assert ran_out(error) is expected


def test_what_was_asked_and_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (3 * 2**29, 2**34))
    assert shortage(torch.OutOfMemoryError(CUDA)) == (
        "out of memory on the GPU: 20.50 GiB asked for, 1.5 GiB free"
    )
    assert shortage(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling")) == (
        "out of memory on the GPU: more asked for, 1.5 GiB free"
    )
    assert re.fullmatch(
        r"out of memory on the CPU: 1.0 GiB asked for, [\d.]+ GiB free",
        shortage(MemoryError(f"Unable to allocate {2**30} bytes")),
    )
