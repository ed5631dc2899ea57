"""How one number is measured: its samples and their median, time and peak memory of a call."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from difnet.config import InputError
from difnet.diffusion.checks import DoesNotFitError
from difnet.machine.memory import ran_out
from difnet.tables import TimingRow

Call = Callable[[], object]
MEMORY = "peak_memory_mb"
MEMORY_REPEATS = 2
"""Peaks are sums of what was asked for; the second shows that it was not the first call's alone."""
DOES_NOT_FIT = "does_not_fit"


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

    def finish(self, share: float) -> None:
        """Note what others took while times were taken; peaks, which are none, are taken now."""
        self.foreign_share = share
        if self.metric == MEMORY:
            for _ in range(MEMORY_REPEATS):
                self.take()

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
        if self.metric == MEMORY:
            value = peak_memory(self.call, self.device) / 1e6
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


def peak_memory(call: Call, device: str) -> float:
    """Return the largest memory that one call held above what was held before, in bytes.

    On a GPU it is the peak of torch's allocator (which also serves CuPy here). On the CPU it is that of
    what torch and NumPy were asked for, added; buffers that a BLAS keeps for itself do not count, and what
    the call frees of what was held does not lower it. There is hardly any chance in it: resident memory, up
    to threefold, depends on what lay on the heap before.
    """
    if device == "cuda":
        _synchronise(device)
        held = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        call()
        _synchronise(device)
        return float(torch.cuda.max_memory_allocated() - held)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        tracemalloc.start()
        try:
            call()
            of_numpy = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert profiler.profiler is not None
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return float(max(accumulate(changes), default=0) + of_numpy)


def _synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
