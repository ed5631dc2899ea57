"""What a training leaves to read: history.csv, lines in a log, scalars for TensorBoard."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from difnet.tables import HISTORY, HistoryRow
from difnet.training import history, loop
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


def test_scalars_where_tensorboard_is_installed(
    tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, int]] = []

    class SummaryWriter:
        def __init__(self, folder: str, purge_step: int) -> None:
            assert (folder, purge_step) == (str(tmp_path / "tensorboard"), 1)

        def __enter__(self) -> SummaryWriter:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, step))

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(history, "find_spec", lambda name: object())
    train(tmp_path, "train.steps=2")
    names = ("loss", "learning_rate", "images_per_s")
    assert written == [(name, step) for step in (1, 2) for name in names]


def test_nothing_is_written_without_tensorboard(tmp_path: Path, train: Trainer) -> None:
    if history.find_spec("tensorboard") is None:
        train(tmp_path, "train.steps=2")
        assert not (tmp_path / "tensorboard").exists()
