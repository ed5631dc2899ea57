"""What a training has seen: a row every few steps, and the loss of every step since the last row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from difnet.config import write_text

MOST_ROWS = 200


class Row(NamedTuple):
    """A row of history.csv."""

    step: int
    """Steps done."""
    loss: float
    """Mean over the steps since the row before."""
    learning_rate: float
    images_per_s: float


class History:
    """Rows, and the losses that wait for the next one; these stay on the device until somebody asks."""

    def __init__(self, rows: Sequence[Row] = (), losses: Sequence[float] = ()) -> None:
        self.rows = list(rows)
        self._read = list(losses)
        self._unread: list[Tensor] = []

    def add(self, loss: Tensor) -> None:
        """Take the loss of a step, without waiting for the device."""
        self._unread.append(loss)

    def losses(self) -> list[float]:
        """Losses since the last row, oldest first; waits for the device."""
        if self._unread:
            self._read += torch.stack(self._unread).tolist()
            self._unread = []
        return self._read

    def first_not_finite(self) -> int | None:
        """Place among `losses` of the first that is not finite."""
        return next((place for place, loss in enumerate(self.losses()) if not math.isfinite(loss)), None)

    def close_row(self, step: int, *, learning_rate: float, images_per_s: float) -> Row:
        """Make a row of the waiting losses."""
        losses = self.losses()
        row = Row(step, sum(losses) / len(losses), learning_rate, images_per_s)
        self.rows.append(row)
        self._read = []
        return row


def write_history(path: Path, rows: Sequence[Row]) -> None:
    """Write history.csv."""
    lines = [f"{row.step},{row.loss:.6f},{row.learning_rate:.6g},{row.images_per_s:.1f}" for row in rows]
    write_text(path, "\n".join([",".join(Row._fields), *lines]) + "\n")
