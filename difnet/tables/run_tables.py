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
    images_per_s: Annotated[float, "1/s"]


@dataclass(frozen=True)
class ScoreRow:
    """One score of one run."""

    variant: str
    seed: int
    split: str
    metric: str
    class_: str
    """Empty for a score over all classes."""
    value: float
    """Nan where nothing counts."""


HISTORY = Table("history.csv", HistoryRow, "difnet train RUN")
SCORES = Table("scores.csv", ScoreRow, "difnet evaluate RUN")
