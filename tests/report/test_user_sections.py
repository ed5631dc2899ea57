"""Sections that an ablation's rules have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from difnet.config import read_plan
from difnet.report.load import load_results
from difnet.report.section import Section
from difnet.report.sections import user_sections
from tests.report.conftest import Rendered
from tests.report.project import write_section


@pytest.fixture
def folder(rendered: Rendered, tmp_path: Path) -> Path:
    """The section's files in results of their own, beside the project of the session."""
    write_section(tmp_path / "toy" / "sections" / "deeplab")
    return tmp_path / "toy" / "sections" / "deeplab"


def sections(rendered: Rendered, folder: Path) -> list[Section]:
    results = load_results(folder.parents[1], read_plan(rendered.folder))
    return user_sections.build(results)


def items(rendered: Rendered, folder: Path) -> list[user_sections.Item]:
    (section,) = sections(rendered, folder)
    return list(section.content["items"])


def test_files_become_parts_in_the_order_of_their_names(rendered: Rendered, folder: Path) -> None:
    kinds = [
        (bool(item.image), item.table is not None, bool(item.fragment)) for item in items(rendered, folder)
    ]
    assert kinds == [(True, False, False), (True, False, False), (False, True, False), (False, False, True)]


def test_section_on_the_page(rendered: Rendered) -> None:
    section = rendered.page.by_id("toy-section-deeplab")
    assert rendered.page.by_id("toy-section-deeplab-title").text == "Sizes of the <parts>"
    assert "One line of text & more." in section.text and "A second paragraph." in section.text
    rows = rendered.page.table("toy-table-deeplab-sizes")
    assert [row["part"].own_text for row in rows] == ["<b>seed</b>", "walk"]
    assert [row["nodes"].attributes["data-value"] for row in rows] == ["64", ""]
    assert [image.attributes["alt"] for image in section.all("img")] == [
        "Sizes of the <parts>: map",
        "Sizes of the <parts>: plot",
    ]
    assert [item.text for item in section.all("em")] == ["emphasis"]


def test_numbers_of_many_digits_are_rounded_on_the_page(rendered: Rendered, folder: Path) -> None:
    (folder / "sizes.csv").write_text("loss,step\n0.123456789,1200\n-2.5,3\n")
    (table,) = [item.table for item in items(rendered, folder) if item.table]
    assert [[cell.text for cell in row] for row in table.rows] == [["0.1235", "1200"], ["-2.5", "3"]]
    assert table.rows[0][0].value == 0.123456789
    (folder / "sizes.csv").write_text("loss,word\n0.123456789,0.123456789\nnan,two\n")
    (table,) = [item.table for item in items(rendered, folder) if item.table]
    assert [[cell.text for cell in row] for row in table.rows] == [["0.1235", "0.123456789"], ["–", "two"]]


def test_tables_of_a_section_are_exported(rendered: Rendered) -> None:
    text = (rendered.folder / "tables" / "deeplab-sizes.tex").read_text()
    assert r"walk & -- & a, b \\" in text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("sizes.csv", "a,b\n1\n", "row 2 has 1 cells, not 2"),
        ("sizes.csv", "a,b\n", "it has no rows"),
        ("sizes.csv", "a\n\xff\n", "can't decode"),
        ("plot.svg", "<svg><rect></svg>", "mismatched tag"),
        ("plot.svg", "<html/>", "its root is not <svg>"),
        ("map.png", "no image", "cannot identify"),
        ("words.html", "<div><p>x</div>", "</div> closes nothing"),
        ("words.html", "<section>", "<section> is never closed"),
    ],
)
def test_a_broken_file_is_a_line(
    rendered: Rendered, folder: Path, name: str, content: str, reason: str
) -> None:
    (folder / name).write_bytes(content.encode("latin-1"))
    remarks = [item.remark for item in items(rendered, folder) if item.remark]
    assert len(remarks) == 1
    assert remarks[0].startswith(f"deeplab/{name} cannot be shown: ") and reason in remarks[0]


def test_without_caption_the_folder_names_the_section(rendered: Rendered, folder: Path) -> None:
    (folder / "caption.md").unlink()
    (section,) = sections(rendered, folder)
    assert (section.title, section.content["paragraphs"]) == ("deeplab", [])


def test_sections_of_ablations_that_are_not_shown_are_left_out(rendered: Rendered, folder: Path) -> None:
    folder.rename(folder.with_name("no_longer_selected"))
    assert sections(rendered, folder) == []
