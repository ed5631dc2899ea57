"""One cell of the timing grid, and its row in timing.csv."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from difnet.timing.protocol import median_interval
from difnet.timing.subjects import Subject

COLUMNS = [
    "subject",
    "device",
    "dtype",
    "nodes",
    "classes",
    "batch",
    "metric",
    "value",
    "ci_low",
    "ci_high",
    "status",
]
DOES_NOT_FIT = "does_not_fit"
NO_COUNTER = "not_run (no peak memory counter on this system)"


@dataclass
class Cell:
    """One subject on one device in one dtype at one size, with the samples of one metric.

    Attributes:
        name: the subject's name in the table.
        call: the measured call; None until the inputs exist.
        samples: milliseconds, or megabytes (10^6 bytes).
        spent: seconds spent on it so far.
        status: ok, does_not_fit or not_run (reason).
    """

    name: str
    subject: Subject
    device: str
    dtype: torch.dtype
    nodes: int
    classes: int
    batch: int
    metric: str
    call: Callable[[], object] | None = None
    samples: list[float] = field(default_factory=list)
    spent: float = 0.0
    status: str = "ok"

    @property
    def curve(self) -> tuple[str, str, torch.dtype, int, str]:
        """What stays the same from one number of nodes to the next."""
        return self.name, self.device, self.dtype, self.classes, self.metric

    @property
    def backward(self) -> bool:
        """Whether the call includes the backward pass."""
        return self.metric == "forward_backward_ms"

    def row(self) -> dict[str, object]:
        """Return the row of timing.csv; a cell that did not run has no value."""
        middle = low = high = float("nan")
        if self.status == "ok":
            middle, low, high = median_interval(self.samples)
        dtype = str(self.dtype).removeprefix("torch.")
        labels = [self.name, self.device, dtype, self.nodes, self.classes, self.batch, self.metric]
        return dict(zip(COLUMNS, [*labels, middle, low, high, self.status], strict=True))
