"""How busy other processes kept the processors while something was timed."""

from __future__ import annotations

import time

import psutil


class ForeignLoad:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._start = self._seconds()

    def share(self) -> float:
        """Of the time of the processors that this process may use: what others took, 0 to 1.

        Time that a hypervisor gave to other machines counts as taken. The counters advance by a hundredth of
        a second: nothing can be said of less than some tenths.
        """
        elapsed, busy, own = (
            after - before for after, before in zip(self._seconds(), self._start, strict=True)
        )
        return min(1.0, max(0.0, busy - own) / elapsed) if elapsed > 0 else 0.0

    def _seconds(self) -> tuple[float, float, float]:
        """Seconds that the processors could have computed, that they did, and those for this process."""
        process = psutil.Process()
        processors = psutil.cpu_times(percpu=True)
        if hasattr(process, "cpu_affinity"):  # not on every system
            processors = [processors[index] for index in process.cpu_affinity()]
        busy = sum(
            times.user
            + times.system
            + sum(getattr(times, kind, 0.0) for kind in ("nice", "irq", "softirq", "steal"))
            for times in processors
        )
        own = process.cpu_times()
        return time.monotonic() * len(processors), busy, own.user + own.system
