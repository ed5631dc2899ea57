"""What the section on time says of the machine, and of the features that operators were given."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from difnet.report.sections.timing import company
from tests.report.conftest import Rendered
from tests.report.project import timed


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ((), "timed with nothing else running"),
        ((0.05, math.nan), "timed with nothing else running"),
        ((0.01, 0.374), "timed while other processes took up to 37% of the processors' time"),
    ],
)
def test_company(shares: tuple[float, ...], words: str) -> None:
    row = timed("cascade", "cpu", "float32", 64, 5, 1, "latency_ms", 2.0, 1.9, 2.1, "ok")
    assert company([replace(row, foreign_share=share) for share in shares]) == words


def test_features_stand_beside(rendered: Rendered) -> None:
    rows = rendered.page.table("toy-table-timing-features")
    assert len(rows) == 10
    assert rows[0]["Level"].all("small")[0].text == "features of a trained network"
    assert float(rows[0]["Median |f|²/2"].attributes["data-value"]) == 22.0
    assert rows[0]["Nodes beyond 40"].own_text == "30%"
    assert float(rows[-1]["Largest |f|²/2"].attributes["data-value"]) == pytest.approx(25.2)
