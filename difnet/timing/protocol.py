"""How one number is measured: repeats, median and interval; peak memory above what was held before."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from difnet.diffusion.checks import DoesNotFitError

Call = Callable[[], object]
OUT_OF_MEMORY = (DoesNotFitError, MemoryError, torch.OutOfMemoryError)
"""What a call raises that needs more memory than there is."""

_CLEAR_REFS = Path("/proc/self/clear_refs")


def seconds(call: Call, device: str) -> float:
    """Return the wall time of one call, with the device synchronised before and after."""
    _synchronise(device)
    start = time.perf_counter()
    call()
    _synchronise(device)
    return time.perf_counter() - start


def median_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median and its 95% interval from order statistics.

    The interval runs from the k-th smallest to the k-th largest value, k the largest with
    2 P(Binomial(n, 1/2) < k) <= 5%. Below six values it is their whole range, which covers less
    (three values: 75%, five: 94%).
    """
    ordered = sorted(values)
    count = len(ordered)
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    below, tail = 0, 1.0
    while 2 * tail <= 0.05 * 2**count:
        below += 1
        tail += math.comb(count, below)
    outer = max(below - 1, 0)
    return middle, ordered[outer], ordered[count - 1 - outer]


def peak_memory(call: Call, device: str) -> float | None:
    """Return the largest memory that one call held above what was held before, in bytes.

    On a GPU it is the peak of torch's allocator (which also serves CuPy here). On the CPU it is the peak of
    this process's resident memory, a counter that Linux resets on request; freed memory is handed back first.

    Returns:
        Bytes, or None where the operating system has no such counter.
    """
    if device == "cuda":
        _synchronise(device)
        held = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        call()
        _synchronise(device)
        return float(torch.cuda.max_memory_allocated() - held)
    if sys.platform != "linux":
        return None
    _trim_heap()
    try:
        _CLEAR_REFS.write_text("5")
    except OSError:
        return None
    held = _status("VmRSS")
    call()
    return float(max(0, _status("VmHWM") - held))


def _synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _trim_heap() -> None:
    """Hand freed heap memory back to the system, so that it does not count as held."""
    library = ctypes.util.find_library("c")
    trim = getattr(ctypes.CDLL(library), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _status(field: str) -> int:
    """Return a field of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)
