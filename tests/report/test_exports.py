"""Figures and tables as files for papers."""

from __future__ import annotations

import csv
from xml.etree import ElementTree

from difnet.report.table import Cell, Column, Table
from tests.report.conftest import Rendered


def test_every_figure_is_an_svg_and_a_pdf(rendered: Rendered) -> None:
    folder = rendered.results / "toy" / "figures"
    names = {path.stem for path in folder.iterdir()}
    assert names == {
        "differences",
        "classes",
        "miou-latency",
        "miou-boundary-f",
        "trimap",
        "learning-curves",
        "learned-weights",
        "scaling",
        "step-breakdown",
    }
    for name in names:
        ElementTree.parse(folder / f"{name}.svg")
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_exported_table_keeps_full_precision(rendered: Rendered) -> None:
    folder = rendered.results / "toy" / "tables"
    with (folder / "results.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[0]["mIoU"]) == float(
        rendered.page.table("toy-table-results")[0]["mIoU"].attributes["data-value"]
    )
    assert {path.suffix for path in folder.glob("results.*")} == {".csv", ".md", ".tex"}


def test_special_characters_survive_every_format() -> None:
    table = Table(
        name="t",
        caption="",
        columns=(Column("a_b", numeric=False), Column("50%")),
        rows=((Cell("x|y & z"), Cell("−0.5", value=-0.5, detail="[−1, 0]\np < 0.001")),),
    )
    assert table.to_markdown().splitlines()[2] == r"| x\|y & z | −0.5 [−1, 0]; p < 0.001 |"
    assert r"x|y \& z & $-$0.5 [$-$1, 0]; p $<$ 0.001 \\" in table.to_latex()
    assert list(csv.reader(table.to_csv().splitlines())) == [
        ["a_b", "50%", "50% (detail)"],
        ["x|y & z", "-0.5", "[−1, 0]; p < 0.001"],
    ]
