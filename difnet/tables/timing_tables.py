"""The tables of what was timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from difnet.tables.table import Table

TIME = "difnet time FOLDER"


@dataclass(frozen=True)
class TimingRow:
    """One measurement, or the reason why there is none.

    `timing/operators.csv` and `timing/networks.csv` are the parts of `timing.csv`, with the same columns.
    """

    subject: str
    """An operator; `model:VARIANT` for a whole network."""
    device: str
    """`cpu` or `cuda`."""
    dtype: str
    """Number format of the computation."""
    nodes: int
    """Number of nodes N."""
    classes: int
    """Number of classes."""
    batch: int
    """Number of images at once."""
    metric: str
    """`latency_ms`, `forward_backward_ms`, `images_per_s`, `train_step_ms` or `peak_memory_mb` (10^6 B)."""
    value: Annotated[float, "that of the metric"]
    """Median over the repeats."""
    ci_low: Annotated[float, "that of the metric"]
    """Lower end of its 95% interval."""
    ci_high: Annotated[float, "that of the metric"]
    """Upper end of its 95% interval."""
    status: str
    """`ok`, `does_not_fit` or `not_run (reason)`; without a value then."""


@dataclass(frozen=True)
class GrowthRow:
    """How a measurement grows with the number of nodes N: as N to this exponent."""

    subject: str
    """An operator."""
    device: str
    """`cpu` or `cuda`."""
    dtype: str
    """Number format of the computation."""
    metric: str
    """As in `timing.csv`."""
    exponent: float
    """Empty where fewer than three sizes were measured."""
    ci_low: float
    """Lower end of its 95% interval."""
    ci_high: float
    """Upper end of its 95% interval."""


@dataclass(frozen=True)
class BreakdownRow:
    """One part of the time of a training step."""

    variant: str
    """The variant."""
    device: str
    """`cpu` or `cuda`."""
    part: str
    """`data`, `convolutions`, `walks` or `rest`."""
    ms: Annotated[float, "ms"]
    """Of one step, mean over three."""
    share: Annotated[float, "0 to 1"]
    """Of the whole step."""


TIMING = Table("timing.csv", TimingRow, TIME)
GROWTH = Table("growth.csv", GrowthRow, TIME)
BREAKDOWN = Table("timing/breakdown.csv", BreakdownRow, TIME)
