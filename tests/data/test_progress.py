"""What is said while a large data set is decoded."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from difnet.data import open_dataset
from difnet.data.preparation import progress
from difnet.data.preparation.progress import Progress
from tests.data.test_store import SMALL


def test_a_line_every_ten_seconds_over_all_splits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eleven images of four seconds each."""
    seconds = 0.0
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: seconds))
    splits = open_dataset(SMALL).samples()
    shown = Progress("Shapes", 11)
    for samples in splits.values():
        names = []
        for sample in shown(samples):
            names.append(sample.name)
            seconds += 4
        assert names == [sample.name for sample in samples]
    assert capsys.readouterr().err.splitlines() == [
        "Shapes: 3 of 11 images, 0 images/s, 32 s left",
        "Shapes: 6 of 11 images, 0 images/s, 20 s left",
        "Shapes: 9 of 11 images, 0 images/s, 8 s left",
    ]
