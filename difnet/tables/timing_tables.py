"""The tables of what was timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from difnet.tables.table import Table

TIME = "difnet time --benchmark NAME --out FOLDER"


@dataclass(frozen=True)
class TimingRow:
    """One measurement, or the reason why there is none."""

    subject: str
    """An operator; `model:VARIANT` for a whole network."""
    device: str
    dtype: str
    nodes: int
    classes: int
    batch: int
    metric: str
    """latency_ms, forward_backward_ms, images_per_s, train_step_ms or peak_memory_mb."""
    value: float
    ci_low: float
    ci_high: float
    status: str
    """ok, does_not_fit or not_run (reason)."""


@dataclass(frozen=True)
class GrowthRow:
    """How a measurement grows with the number of nodes N: as N to this exponent."""

    subject: str
    device: str
    dtype: str
    metric: str
    exponent: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class BreakdownRow:
    """One part of the time of a training step."""

    variant: str
    device: str
    part: str
    ms: Annotated[float, "ms"]
    share: float
    """0 to 1."""


TIMING = Table("timing.csv", TimingRow, TIME)
GROWTH = Table("growth.csv", GrowthRow, TIME)
BREAKDOWN = Table("breakdown.csv", BreakdownRow, TIME)
