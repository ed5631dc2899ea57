"""Figures and tables as files for papers."""

from __future__ import annotations

import csv
import math
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from difnet.report.latex_table import latex_table
from difnet.report.page_table import Cell, Column, PageTable, missing
from tests.report.conftest import Rendered
from tests.report.page import small


def test_every_figure_is_an_svg_and_a_pdf(rendered: Rendered) -> None:
    folder = rendered.folder / "figures"
    names = {path.stem for path in folder.iterdir()}
    assert {name for name in names if not name.endswith("-column")} == {
        "seeds",
        "differences",
        "classes",
        "miou-latency",
        "miou-boundary-f",
        "trimap",
        "learning-curves",
        "learned-weights",
        "training-course",
        "scaling",
        "step-breakdown",
    }
    assert sum(name.endswith("-column") for name in names) == 11
    for name in names:
        ElementTree.parse(folder / f"{name}.svg")
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_exported_table_keeps_full_precision(rendered: Rendered) -> None:
    folder = rendered.folder / "tables"
    with (folder / "results.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[0]["mIoU"]) == float(
        rendered.page.table("toy-table-results")[0]["mIoU"].attributes["data-value"]
    )
    assert {path.suffix for path in folder.glob("results.*")} == {".csv", ".md", ".tex"}


def test_exported_columns_of_numbers_hold_numbers(rendered: Rendered) -> None:
    tables = sorted((rendered.folder / "tables").glob("*.csv"))
    assert len(tables) == 11
    for path in tables:
        (shown,) = [
            item
            for item in rendered.page.root.all("table")
            if item.attributes["id"] == f"toy-table-{path.stem}"
        ] or [None]
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        heads = shown.all("thead")[0].all("th") if shown else []
        for head in heads:
            if head.attributes.get("class") == "number":
                title = head.own_text
                (key,) = [key for key in rows[0] if key == title or key == f"{title} ({small(head)})"]
                assert all(math.isfinite(float(row[key])) for row in rows if row[key]), (path, key)


def test_reasons_and_whole_numbers_in_csv(rendered: Rendered) -> None:
    text = (rendered.folder / "tables" / "results.csv").read_text(encoding="utf-8")
    rows = {row["Variant (detail)"]: row for row in csv.DictReader(text.splitlines())}
    seeds = {name: row["Seeds"] for name, row in rows.items()}
    assert seeds == dict.fromkeys(rows, "3") | {"pixel_prior": "1"}
    assert rows["cascade"]["Parameters"] == "512345"
    change = "Δ mIoU (from the reference)"
    assert (rows["cascade"][change], rows["cascade"]["Δ mIoU (status)"]) == ("", "reference")
    assert float(rows["seed_only"][change]) and rows["seed_only"]["Δ mIoU (status)"] == ""
    text = (rendered.folder / "tables" / "timing-latency-ms.csv").read_text(encoding="utf-8")
    rows = {row["Operator"]: row for row in csv.DictReader(text.splitlines())}
    assert rows["dense inverse (PyTorch)"]["N = 4,225"] == ""
    assert rows["dense inverse (PyTorch)"]["N = 4,225 (status)"] == "does not fit"


def test_special_characters_survive_every_format() -> None:
    table = PageTable(
        name="t",
        caption="",
        columns=(Column("a_b", numeric=False), Column("50%")),
        rows=(
            (Cell("x|y & z"), Cell("−0.5", value=-0.5, detail="[−1, 0]\np < 0.001", numbers={"p": 0.0004})),
            (Cell("w"), missing("not run: no GPU")),
        ),
    )
    assert table.to_markdown().splitlines()[2] == r"| x\|y & z | −0.5 [−1, 0]; p < 0.001 |"
    lines = latex_table(table).splitlines()
    assert lines[11:14] == [
        r"x$|$y \& z & $-$0.5 \\[-2pt]",
        r" & {\scriptsize [$-$1, 0]} \\[1pt]",
        r"w & not run \\",
    ]
    assert list(csv.reader(table.to_csv().splitlines())) == [
        ["a_b", "50%", "50% p", "50% (status)"],
        ["x|y & z", "-0.5", "0.0004", ""],
        ["w", "", "", "not run: no GPU"],
    ]


def test_latex_has_chosen_columns_a_caption_and_the_best_in_bold(rendered: Rendered) -> None:
    text = (rendered.folder / "tables" / "results.tex").read_text(encoding="utf-8")
    (head,) = re.findall(r"\\toprule\n(.*) \\\\", text)
    assert head.split(" & ")[:4] == ["Variant", "Seeds", "mIoU", r"$\Delta$ mIoU"]
    assert "Latency" not in head and "pixel accuracy" not in head
    (caption,) = re.findall(r"\\caption\{(.*)\}", text)
    assert caption.endswith("Brackets: 95\\% interval. Means over 3 seeds; differences over 3 seeds.")
    best = max(rendered.results.estimates["miou"].values(), key=lambda row: row.mean)
    (row,) = [line for line in text.splitlines() if rf"& \textbf{{{best.mean:.3f}}} &" in line]
    below = text.splitlines()[text.splitlines().index(row) + 1]
    assert f"[{best.ci_low:.3f}, {best.ci_high:.3f}]" in below


@pytest.mark.skipif(
    not shutil.which("pdflatex"), reason="no pdflatex (Debian: apt install texlive-latex-base)"
)
def test_pdflatex_sets_every_table_within_both_columns(rendered: Rendered, tmp_path: Path) -> None:
    tables = sorted((rendered.folder / "tables").glob("*.tex"))
    lines = [rf"\input{{{path}}}" "\n" r"\clearpage" for path in tables]
    document = tmp_path / "all.tex"
    document.write_text(
        "\n".join(
            [
                r"\documentclass{article}",
                r"\usepackage{booktabs}",
                r"\setlength{\textwidth}{496pt}",
                r"\begin{document}",
                *lines,
                r"\end{document}",
            ]
        )
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000
    assert "Overfull" not in done.stdout


def test_latex_is_plain_ascii(rendered: Rendered) -> None:
    for path in (rendered.folder / "tables").glob("*.tex"):
        assert path.read_text(encoding="utf-8").isascii(), path
