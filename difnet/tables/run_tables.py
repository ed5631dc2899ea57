"""The tables of one run: what its training saw, and its scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from difnet.tables.table import Table


@dataclass(frozen=True)
class HistoryRow:
    """What a training has seen since the row before."""

    step: int
    """Steps done."""
    loss: float
    """Mean over the steps since the row before."""
    learning_rate: float
    """Of the last of these steps."""
    images_per_s: Annotated[float, "images/s"]
    """Images trained on in a second, since the row before."""


@dataclass(frozen=True)
class ScoreRow:
    """One score of one run."""

    variant: str
    """The variant."""
    seed: int
    """The seed of the run."""
    split: str
    """The split that was scored."""
    metric: str
    """Its definition is in statistics.md."""
    class_: str
    """Empty for a score over all classes."""
    value: Annotated[float, "0 to 1"]
    """The score; empty where nothing counts."""


@dataclass(frozen=True)
class AlongRow:
    """One score of one run after a quarter, half, three quarters and all of its steps."""

    variant: str
    """The variant."""
    seed: int
    """The seed of the run."""
    step: int
    """Steps done; after the last, the score of the weights that are kept."""
    metric: str
    """`miou` or `boundary_f`."""
    value: Annotated[float, "0 to 1"]
    """The score; empty where nothing counts."""


HISTORY = Table("history.csv", HistoryRow, "difnet train RUN")
SCORES = Table("scores.csv", ScoreRow, "difnet evaluate RUN")
ALONG = Table("along.csv", AlongRow, "difnet evaluate RUN")
