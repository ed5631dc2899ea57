"""What rows of the tables mean: whether a difference counts, what was timed, why a value is missing."""

from __future__ import annotations

import math
from typing import NamedTuple

from difnet.tables import ComparisonRow, TimingRow

LEVEL = 0.05
"""Corrected p-values below it count as a difference."""
NETWORK = "model:"
"""What the subject of a timing begins with when it is a whole network."""


class Setting(NamedTuple):
    """What was timed, on what."""

    subject: str
    device: str
    dtype: str
    classes: int
    batch: int

    @property
    def words(self) -> str:
        """All but the subject, for small type."""
        return f"{self.device}, {self.dtype}, {self.classes} classes, batch {self.batch}"


def setting(timing: TimingRow) -> Setting:
    """What a row of `timing.csv` was measured on."""
    return Setting(timing.subject, timing.device, timing.dtype, timing.classes, timing.batch)


def timed_variant(timing: TimingRow) -> str:
    """The variant whose whole network was timed; empty for an operator."""
    return timing.subject.removeprefix(NETWORK) if timing.subject.startswith(NETWORK) else ""


def measured(timing: TimingRow) -> bool:
    """Whether there is a value."""
    return timing.status == "ok" and math.isfinite(timing.value)


def status_words(status: str) -> str:
    """`not_run (no GPU)` as `not run: no GPU`; `undefined` where there should be a value."""
    name, _, reason = status.partition("(")
    words = name.strip().replace("_", " ")
    if words in {"", "ok"}:
        words = "undefined"
    return f"{words}: {reason.rstrip(')')}" if reason else words


def direction(comparison: ComparisonRow) -> str:
    """`higher`, `lower` or `undecided`.

    A difference counts if its corrected p-value is below 0.05, or, where there is no p-value, if its interval
    leaves zero out.
    """
    if math.isfinite(comparison.p_adjusted):
        decided = comparison.p_adjusted < LEVEL
    else:
        decided = comparison.ci_low > 0 or comparison.ci_high < 0
    if not decided or comparison.difference == 0:
        return "undecided"
    return "higher" if comparison.difference > 0 else "lower"


def reach(value: float, low: float, high: float) -> tuple[float, float]:
    """Lengths of an error bar below and above a value; zero where no interval is known."""
    if not math.isfinite(low + high):
        return 0.0, 0.0
    return max(0.0, value - low), max(0.0, high - value)
