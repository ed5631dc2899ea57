"""One report a folder and one of all of them: what is written, and how they are linked."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

from difnet.config import InputError, read_plan
from difnet.report import render
from tests.report.page import Page
from tests.report.project import make_project, write_plan

VARIANTS = {"cascade": "Cascade", "seed_only": "Seed only"}


def read(path: Path) -> Page:
    return Page.parse(path.read_text(encoding="utf-8"))


def links(path: Path) -> dict[str, Path]:
    """Where the links in the head of a page lead, by their text."""
    (head,) = read(path).root.all("header")
    return {item.text: (path.parent / unquote(item.attributes["href"])).resolve() for item in head.all("a")}


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [make_project(tmp_path, benchmark=name, variants=VARIANTS, seeds=(0,)) for name in ("one", "two")]


def test_a_page_a_folder_and_one_of_all(folders: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "results" / "report.html"
    assert render(folders, out) == [*(folder / "report.html" for folder in folders), out]
    for folder in folders:
        (article,) = read(folder / "report.html").root.all("article")
        assert article.attributes["id"] == folder.name
        assert (folder / "tables" / "results.csv").is_file() and (
            folder / "figures" / "scaling.pdf"
        ).is_file()
    page = read(out)
    assert [item.attributes["id"] for item in page.root.all("article")] == ["one", "two"]
    assert len(page.table("all-table-benchmarks")) == 2
    assert "Of 1 variant compared on 2 benchmarks" in page.by_id("all-figure-benchmarks").text
    ids = Counter(item.attributes["id"] for item in page.root.all() if "id" in item.attributes)
    assert max(ids.values()) == 1


def test_each_benchmark_is_read_and_built_once(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        opened.append(str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    render(folders, tmp_path / "results" / "report.html")
    tables = [path for path in opened if path.endswith(".csv")]
    assert str(folders[0] / "summary.csv") in tables and len(tables) == len(set(tables))


def test_reports_are_linked(folders: list[Path], tmp_path: Path) -> None:
    one, two = folders
    results = tmp_path / "results"
    brief = write_plan(tmp_path, "one", set=["train.steps=5"])
    assert brief.name == "one+train.steps=5"
    render([brief, two], results / "report.html")
    assert links(results / "report.html") == links(two / "report.html") == links(brief / "report.html") == {}
    render([one], results / "report.html")
    assert links(one / "report.html") == {"The one benchmark +train.steps=5": brief / "report.html"}
    assert links(results / "report.html") == {
        "The one benchmark +train.steps=5": brief / "report.html",
        "The two benchmark": two / "report.html",
    }
    (two / "plan.json").write_text("{}")
    for folder in (one, brief):
        (folder / "report.html").unlink()
    render([brief, one], results / "report.html")
    assert links(one / "report.html") == {"The one benchmark +train.steps=5": brief / "report.html"}
    assert links(brief / "report.html") == {"The one benchmark": one / "report.html"}
    assert links(results / "report.html") == {"two": two / "report.html"}
    (sibling,) = read(brief / "report.html").root.all("header")[0].all("a")
    assert sibling.attributes["href"] == "../one/report.html"


def test_another_recipe_shares_the_data(folders: list[Path], tmp_path: Path) -> None:
    brief = write_plan(tmp_path, "one", set=["train.steps=5"])
    render([brief], tmp_path / "results" / "report.html")
    facts = read(brief / "report.html").by_id("one~2b~train.steps=5-overview").text
    assert "train: 400, val: 100" in facts and "5 steps of batch 16" in facts


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        ('{"format": 1, "benchmark"', "is not a plan of this version"),
        ('{"format": 0}', "a plan of format 0"),
    ],
)
def test_a_folder_without_its_plan_is_one_line(
    folders: list[Path], tmp_path: Path, content: str | None, words: str
) -> None:
    plan, out = folders[1] / "plan.json", tmp_path / "results" / "report.html"
    plan.unlink() if content is None else plan.write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        render(folders, out)
    assert "\n" not in str(caught.value) and str(plan) in str(caught.value)
    assert not out.exists() and not (folders[0] / "report.html").exists()


def test_pages_of_others_are_not_overwritten(folders: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "notes.html"
    out.write_text("<title>Mine</title>")
    with pytest.raises(InputError, match=r"notes\.html: is there already and no report of difnet"):
        render(folders, out)
    assert out.read_text() == "<title>Mine</title>" and not (folders[0] / "report.html").exists()


def test_a_plan_that_lost_its_reference_is_one_line(folders: list[Path], tmp_path: Path) -> None:
    plan = folders[0] / "plan.json"
    content = json.loads(plan.read_text())
    plan.write_text(json.dumps(content | {"variants": content["variants"][1:]}))
    with pytest.raises(InputError, match="no planned variant is the reference cascade"):
        render([folders[0]], tmp_path / "results" / "report.html")


def test_nothing_but_the_plan_says_what_is_shown(folders: list[Path], tmp_path: Path) -> None:
    one = folders[0]
    content = json.loads((one / "plan.json").read_text())
    content["title"] = "A frozen title"
    content["variants"][1]["title"] = "A frozen variant"
    (one / "plan.json").write_text(json.dumps(content))
    for path in (tmp_path / "ablations").iterdir():
        path.write_text("title: changed since then\n")
    render([one], tmp_path / "results" / "report.html")
    page = read(one / "report.html")
    assert page.root.all("title")[0].text == "DifNet-Bench: A frozen title"
    assert [row["Variant"].own_text for row in page.table("one-table-results")][1] == "A frozen variant"
    commands = [item.text for item in page.root.all("code") if "data-command" in item.attributes]
    command = read_plan(one).command
    assert {command, f"{command} -- results/one/runs/seed_only/seed0/scores.csv"} <= set(commands)
