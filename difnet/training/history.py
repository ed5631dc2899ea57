"""What a training has seen: a row every few steps, and the loss of every step since."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from difnet.tables import HISTORY, HistoryRow

MOST_ROWS = 200


class History:
    """Rows, and the losses that wait for the next one; these stay on the device until somebody asks."""

    def __init__(self, rows: Sequence[HistoryRow] = (), losses: Sequence[float] = ()) -> None:
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

    def close_row(self, step: int, *, learning_rate: float, images_per_s: float) -> HistoryRow:
        """Make a row of the waiting losses."""
        losses = self.losses()
        row = HistoryRow(step, sum(losses) / len(losses), learning_rate, images_per_s)
        self.rows.append(row)
        self._read = []
        return row

    def write(self, path: Path) -> None:
        """Write history.csv, to the digits that say something."""
        rows = (
            HistoryRow(
                step=row.step,
                loss=round(row.loss, 6),
                learning_rate=float(f"{row.learning_rate:.6g}"),
                images_per_s=round(row.images_per_s, 1),
            )
            for row in self.rows
        )
        HISTORY.write(HISTORY.frame(rows), path)
