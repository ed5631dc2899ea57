"""What a training leaves to read: history.csv and lines in a log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from difnet.tables import HISTORY, HistoryRow
from difnet.training import loop
from difnet.training.history import History
from tests.training.conftest import Trainer


def interrupt() -> None:
    raise KeyboardInterrupt


def test_history_does_not_depend_on_interruptions(
    tmp_path: Path,
    train: Trainer,
    before_step: Callable[[int, Callable[[], object]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows of four steps, interrupted in the middle of one; written with every checkpoint."""
    monkeypatch.setattr(loop, "MOST_ROWS", 3)
    settings = ("train.steps=14", "train.checkpoint_every=3")
    train(tmp_path / "whole", *settings)
    before_step(7, interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts", *settings)
    assert pd.read_csv(tmp_path / "parts" / "history.csv")["step"].tolist() == [4]
    train(tmp_path / "parts", *settings)
    whole, parts = (pd.read_csv(tmp_path / name / "history.csv") for name in ("whole", "parts"))
    assert whole["step"].tolist() == [4, 8, 12, 14]
    columns = ["step", "loss", "learning_rate"]
    assert whole[columns].equals(parts[columns])


def test_history_keeps_the_digits_that_say_something(tmp_path: Path) -> None:
    history = History([HistoryRow(3, 1.23456789e-3, 2.5e-4 / 3, 12.3456)], losses=[1.0, 2.0])
    history.close_row(5, learning_rate=1e-5, images_per_s=1 / 3)
    history.write(tmp_path / "history.csv")
    rows = HISTORY.rows(HISTORY.read(tmp_path / "history.csv"))
    assert rows == [HistoryRow(3, 0.001235, 8.33333e-05, 12.3), HistoryRow(5, 1.5, 1e-05, 0.3)]
    assert history.rows[0].loss == 1.23456789e-3, "the checkpoint keeps all digits"


def test_the_last_line_of_a_log(tmp_path: Path, train: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    """A short training says how it ended; lines on the way are those of `difnet.machine.progress`."""
    train(tmp_path, "train.steps=37", "train.checkpoint_every=100")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("seed_only seed 0: 37 steps in ")
    assert "images/s, last loss " in line
