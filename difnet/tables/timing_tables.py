"""The tables of what was timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from difnet.tables.table import Table

TIME = "difnet time FOLDER"
NETWORK = "model:"
"""What the subject begins with where it is a whole network; the variant follows."""
NO_GPU = "not_run (no GPU)"
"""Status of what only a GPU could have measured."""
BUSY = 0.05
"""Share of the processors' time taken by other processes above which a timing counts as disturbed."""


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
    features: str
    """What an operator was given: levels of a network that is `trained` or at its `start`, or `random` ones;
    empty for a whole network."""
    log_value: float
    """Natural logarithm of the value as claims and growth take it: mean over the repeats, a fifth of them
    left out at each end; empty where a repeat is 0."""
    standard_error: float
    """Of `log_value`, by Yuen (1974); 0 where all repeats are equal, empty for a single one."""
    degrees: int
    """Degrees of freedom of the standard error; 0 where there is none."""
    foreign_share: Annotated[float, "0 to 1"]
    """Of the processors' time, what other processes took during the measurement."""


@dataclass(frozen=True)
class GrowthRow:
    """How a measurement grows with the number of nodes N: locally as N to this exponent."""

    subject: str
    """An operator."""
    device: str
    """`cpu` or `cuda`."""
    dtype: str
    """Number format of the computation."""
    classes: int
    """Number of classes."""
    batch: int
    """Number of images at once."""
    features: str
    """As in `timing.csv`."""
    metric: str
    """As in `timing.csv`."""
    nodes_from: int
    """The smallest of the three neighbouring sizes that it is fitted to."""
    nodes: int
    """The largest of them."""
    exponent: float
    """Slope of the logarithm of the measurement over that of N."""
    ci_low: float
    """Lower end of its 95% interval."""
    ci_high: float
    """Upper end of its 95% interval."""
    standard_error: float
    """Of the exponent, from those of the three measurements."""
    degrees: int
    """Its degrees of freedom: the fewest of the three."""


@dataclass(frozen=True)
class FeatureRow:
    """What the transition matrix P of one level is like, as far as it matters for the time of a walk."""

    features: str
    """As in `timing.csv`."""
    level: int
    """Place of the level, from 1."""
    nodes: int
    """Number of nodes N."""
    median_half_norm: float
    """Median over the nodes of half the squared norm of their features, |f|^2 / 2."""
    largest_half_norm: float
    """The largest one."""
    share_large: Annotated[float, "0 to 1"]
    """Share of the nodes at which it is above 40."""
    entropy: Annotated[float, "nats"]
    """Entropy of a row of P, mean over the rows; 0 for the identity, log N where all nodes are alike."""
    share_tiny: Annotated[float, "0 to 1"]
    """Share of the entries of P below 1e-30, where single precision is about to become denormal."""


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
FEATURES = Table("timing/features.csv", FeatureRow, TIME)
BREAKDOWN = Table("timing/breakdown.csv", BreakdownRow, TIME)
