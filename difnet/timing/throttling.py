"""How long a GPU was held below its clock while something was timed, as its driver counts it."""

from __future__ import annotations

import math
import time
from typing import Any

import torch

LIMITS = ("POWER", "THERMAL", "BOARD_LIMIT", "RELIABILITY")
"""What may hold the clock down, as NVML calls it."""


class Throttling:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._start = self._seconds()

    def share(self) -> float:
        """Of the time since, what the clock was held down by one limit at least, 0 to 1.

        Not a number without a GPU, or where its driver or the package `nvidia-ml-py` does not tell.
        """
        elapsed, held = (after - before for after, before in zip(self._seconds(), self._start, strict=True))
        return held / elapsed if elapsed > 0 else math.nan

    def _seconds(self) -> tuple[float, float]:
        """Time now, and how long the limit that did most so far held the clock down."""
        held = math.nan
        if torch.cuda.is_available():
            try:
                held = _held_down(str(torch.cuda.get_device_properties().uuid))
            except Exception:  # a driver may lack the counter, a machine the package: then nothing is known
                held = math.nan
        return time.monotonic(), held


def _held_down(uuid: str) -> float:
    """Seconds since the driver was loaded, of the limit that held the clock down longest."""
    import pynvml

    pynvml.nvmlInit()
    device: Any = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    policies = [getattr(pynvml, f"NVML_PERF_POLICY_{limit}") for limit in LIMITS]
    longest = max(pynvml.nvmlDeviceGetViolationStatus(device, policy).violationTime for policy in policies)
    return float(longest) / 1e9
