"""Rows of the result tables as typed records."""

from __future__ import annotations

import math
from dataclasses import dataclass

from difnet.config import BenchmarkConfig, with_selection

LEVEL = 0.05
"""Corrected p-values below it count as a difference."""
NETWORK = "model:"
"""What the subject of a timing begins with when it is a whole network."""


@dataclass(frozen=True)
class Selection:
    """What a start of the workflow changed of its benchmarks; nothing by default."""

    ablations: tuple[str, ...] = ()
    """Names, tags or globs in place of the benchmark's."""
    seeds: tuple[int, ...] = ()
    """Seeds in place of the benchmark's."""
    assignments: tuple[str, ...] = ()
    """Assignments such as `train.steps=100`."""

    def applied(self, benchmark: BenchmarkConfig) -> BenchmarkConfig:
        """The benchmark with these ablations, beside its reference, and these seeds."""
        return with_selection(benchmark, self.ablations, self.seeds)


@dataclass(frozen=True)
class Share:
    """One part of the time of a training step."""

    variant: str
    device: str
    part: str
    ms: float
    share: float


@dataclass(frozen=True)
class Estimate:
    """A metric of one variant: mean over seeds with its 95% interval."""

    mean: float
    low: float
    high: float
    seeds: float
    unit: str
    """What the interval is over."""

    @property
    def reach(self) -> tuple[float, float]:
        """Lengths of the error bar below and above the mean."""
        return _reach(self.mean, self.low, self.high)


@dataclass(frozen=True)
class Comparison:
    """A metric of one variant minus that of the reference."""

    difference: float
    low: float
    high: float
    p_adjusted: float
    detectable: float
    """The smallest true difference that would be found with 80% power."""
    unit: str
    """What the interval is over."""

    @property
    def direction(self) -> str:
        """`higher`, `lower` or `undecided`.

        A difference counts if its corrected p-value is below 0.05, or, where there is no p-value, if its
        interval leaves zero out.
        """
        if not self._decided or self.difference == 0:
            return "undecided"
        return "higher" if self.difference > 0 else "lower"

    @property
    def _decided(self) -> bool:
        if math.isfinite(self.p_adjusted):
            return self.p_adjusted < LEVEL
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Judgement:
    """The verdict on one claim of the paper."""

    claim: str
    verdict: str
    evidence: str
    """Statement, tests and remarks, separated by semicolons."""

    @property
    def parts(self) -> list[str]:
        """The evidence one by one; the statement first."""
        return self.evidence.split("; ")

    @property
    def words(self) -> str:
        """The verdict; it says so where a test knows one seed, and thus nothing of how others differ."""
        on_one_seed = any(part.endswith(", one seed") for part in self.parts)
        return f"{self.verdict} on one seed" if on_one_seed else self.verdict


@dataclass(frozen=True)
class Setting:
    """What was timed, on what."""

    subject: str
    device: str
    dtype: str
    classes: float
    batch: float

    @property
    def machine(self) -> tuple[str, str, str]:
        """Subject, device and number format."""
        return self.subject, self.device, self.dtype

    @property
    def words(self) -> str:
        """All but the subject, for small type."""
        return f"{self.device}, {self.dtype}, {self.classes:g} classes, batch {self.batch:g}"


@dataclass(frozen=True)
class Timing:
    """One measurement, or the reason why there is none."""

    setting: Setting
    nodes: float
    metric: str
    value: float
    low: float
    high: float
    status: str

    @property
    def measured(self) -> bool:
        """Whether there is a value."""
        return self.status == "ok" and math.isfinite(self.value)

    @property
    def reach(self) -> tuple[float, float]:
        """Lengths of the error bar below and above the value."""
        return _reach(self.value, self.low, self.high)

    @property
    def of_network(self) -> bool:
        """Whether a whole network was timed, not one operator."""
        return self.setting.subject.startswith(NETWORK)

    @property
    def status_words(self) -> str:
        """`not_run (no GPU)` as `not run: no GPU`."""
        name, _, reason = self.status.partition("(")
        words = name.strip().replace("_", " ")
        if words in {"", "ok"}:
            words = "undefined"
        return f"{words}: {reason.rstrip(')')}" if reason else words


@dataclass(frozen=True)
class Growth:
    """How a measurement grows with the number of nodes N: as N to this exponent."""

    subject: str
    device: str
    dtype: str
    metric: str
    exponent: float
    low: float
    high: float


def _reach(value: float, low: float, high: float) -> tuple[float, float]:
    """Lengths of an error bar; zero where no interval is known."""
    if not math.isfinite(low + high):
        return 0.0, 0.0
    return max(0.0, value - low), max(0.0, high - value)
