"""What the section on time says of the machine, and of the features that operators were given."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from difnet.report import closing_lines
from difnet.report.rows import operator_title
from difnet.report.sections.timing import build, company
from difnet.tables import CLAIM_TESTS, CLAIMS
from difnet.timing.subjects import SUBJECTS
from tests.report.conftest import Rendered, rendered_in
from tests.report.project import claim, claim_test, make_project, timed, write_plan, write_rows


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


def test_a_network_is_one_row_whatever_its_precision(rendered: Rendered) -> None:
    """It answers in single precision and may train in another."""
    results = rendered.results
    timings = tuple(
        replace(row, dtype="bfloat16") if row.metric == "train_step_ms" else row for row in results.timings
    )
    tables = build(replace(results, timings=timings)).tables
    (table,) = [table for table in tables if table.name == "timing-networks"]
    assert [row[0].text for row in table.rows] == [variant.title for variant in results.variants]
    heads = [column.title for column in table.columns]
    cells = dict(zip(heads, table.rows[0], strict=True))
    assert cells["Forward pass"].detail.endswith("batch 1, float32")
    assert cells["Training step"].detail.endswith("batch 1, bfloat16")
    assert cells["Training step"].value == 55.0


def test_every_timed_operator_has_a_title() -> None:
    assert [item.name for item in SUBJECTS if operator_title(item.name) == item.name] == []


def test_what_is_not_timed_is_a_line_with_the_command(tmp_path: Path) -> None:
    """Also where an earlier plan timed it: its tables are still there, and are none of this plan."""
    folder = make_project(tmp_path, variants={"cascade": "Cascade"}, seeds=(0,), size=24)
    nothing = (math.nan, math.nan, math.nan)
    status = "not_run (nothing was timed)"
    cost = {"metric": "latency_ms", "quantity": "ratio", "bound": 1.0, "status": status}
    write_rows(CLAIMS, [claim("C4", "not run", "Walks cost less")], folder)
    write_rows(CLAIM_TESTS, [claim_test("C4", "dense_inverse_torch", nothing, **cost)], folder)
    write_plan(tmp_path, timing=False)
    page = rendered_in(tmp_path, folder).page
    command = "snakemake --cores all --config 'benchmarks=[toy]' timing=true"
    (line,) = page.by_id("toy-timing").all("p")
    assert line.text == f"Nothing was timed, as timing: false asks; to time it: {command}"
    assert not page.by_id("toy-timing").all("table", "svg")
    assert "Latency" not in page.by_id("toy-table-results").text
    assert command in page.by_id("toy-claims").text
    assert f"  – C4 not run: Walks cost less: nothing was timed; run it: {command}" in closing_lines(folder)
