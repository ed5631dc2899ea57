"""How one number is measured: its samples and their median, time and peak memory of a call."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from difnet.config import InputError
from difnet.diffusion.checks import DoesNotFitError
from difnet.machine.memory import ran_out
from difnet.tables import TimingRow

Call = Callable[[], object]
DOES_NOT_FIT = "does_not_fit"
NO_COUNTER = "not_run (no peak memory counter on this system)"

_CLEAR_REFS = Path("/proc/self/clear_refs")


@dataclass(kw_only=True)
class Measurement:
    """One metric of one subject on one device at one size: a row of timing.csv in the making.

    Attributes:
        name: The subject in the table.
        features: What an operator is given, as in the table.
        call: The measured call; None until its inputs exist.
        ready: Called before each call, untimed.
        samples: In the unit of the metric.
        spent: Seconds spent on it so far.
        status: ok, does_not_fit or not_run (reason).
        foreign_share: What other processes took of the processors' time meanwhile.
    """

    name: str
    device: str
    dtype: torch.dtype
    nodes: int
    classes: int
    batch: int
    metric: str
    features: str = ""
    call: Call | None = None
    ready: Call | None = None
    samples: list[float] = field(default_factory=list)
    spent: float = 0.0
    status: str = "ok"
    foreign_share: float = math.nan

    def attempt(self, action: Callable[[], None]) -> None:
        """Run an action for it; running out of memory, or failing, becomes its status."""
        if self.status != "ok":
            return
        start = time.perf_counter()
        try:
            action()
        except (RuntimeError, MemoryError, InputError) as error:  # one that fails takes no other with it
            self.status, self.samples = status_of(error), []
        self.spent += time.perf_counter() - start

    def take(self, *, record: bool = True) -> None:
        """Measure one call, which counts where it is recorded."""
        self.attempt(lambda: self._sample(record=record))

    def row(self) -> TimingRow:
        """Median of the samples with its interval, or why there is none."""
        value = low = high = math.nan
        log = LogMean(math.nan, math.nan, 0)
        if self.status == "ok":
            value, low, high = median_interval(self.samples)
            log = log_mean(self.samples)
        return TimingRow(
            subject=self.name,
            device=self.device,
            dtype=str(self.dtype).removeprefix("torch."),
            nodes=self.nodes,
            classes=self.classes,
            batch=self.batch,
            metric=self.metric,
            value=value,
            ci_low=low,
            ci_high=high,
            status=self.status,
            features=self.features,
            log_value=log.value,
            standard_error=log.standard_error,
            degrees=log.degrees,
            foreign_share=self.foreign_share,
        )

    def _sample(self, *, record: bool) -> None:
        assert self.call is not None
        if self.ready is not None:
            self.ready()
        if self.metric == "peak_memory_mb":
            peak = peak_memory(self.call, self.device)
            if peak is None:
                self.status = NO_COUNTER
                return
            value = peak / 1e6
        else:
            taken = seconds(self.call, self.device)
            value = self.batch / taken if self.metric == "images_per_s" else 1e3 * taken
        if record:
            self.samples.append(value)


def status_of(error: Exception) -> str:
    """What is said in the place of a value that could not be measured."""
    if isinstance(error, DoesNotFitError) or ran_out(error):
        return DOES_NOT_FIT
    return f"not_run ({(str(error).splitlines() or [type(error).__name__])[0]})"


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


class LogMean(NamedTuple):
    """The logarithm of a positive number from repeats."""

    value: float
    standard_error: float
    degrees: int


def log_mean(values: Sequence[float]) -> LogMean:
    """Return the trimmed mean of the logarithms, for Student's t.

    A fifth of the repeats is left out at each end, since a disturbed repeat is an outlier; the error is that
    of the Winsorised logarithms, with h - 1 degrees of freedom for h repeats in the middle (Yuen, The
    two-sample trimmed t for unequal population variances, Biometrika, 1974).

    Returns:
        Not a number where a value is not positive; without an error for a single value.
    """
    if min(values) <= 0:
        return LogMean(math.nan, math.nan, 0)
    logs = np.sort(np.log(values))
    cut = len(logs) // 5
    middle = logs[cut : len(logs) - cut]
    count = len(middle)
    above = logs.clip(middle[0], middle[-1]) - middle[0]  # exactly 0 where all are equal
    spread = len(logs) * float(np.var(above))
    error = math.sqrt(spread / (count * (count - 1))) if count > 1 else math.nan
    return LogMean(float(middle.mean()), error, count - 1)


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
