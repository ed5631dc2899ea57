"""The page is whole: self-contained, accessible, escaped, the same every time."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from difnet.config import read_plan
from difnet.report import render
from tests.report.conftest import Rendered, rendered_in
from tests.report.page import Page
from tests.report.project import make_project

SECTIONS = [
    "results",
    "claims",
    "overview",
    "classes",
    "boundaries",
    "timing",
    "section-deeplab",
    "trust",
    "training",
    "examples",
    "explorer",
    "provenance",
    "cite",
]


def test_sections_stand_in_reading_order(rendered: Rendered) -> None:
    places = [rendered.text.index(f'<section id="toy-{name}"') for name in SECTIONS]
    assert places == sorted(places)


def test_no_request_leaves_the_page(rendered: Rendered) -> None:
    for element in rendered.page.root.all():
        for name in ("src", "href", "xlink:href", "data", "srcset", "action"):
            target = element.attributes.get(name, "")
            assert target.startswith(("data:", "#")) or target == "", target
    assert not re.search(r"https?://|@import|url\((?!#)", rendered.text)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', rendered.text)
    assert "default-src 'none'" in policy
    assert "unsafe" not in re.search(r"script-src [^;]+", policy)[0]


def test_links_and_labels_meet_their_targets(rendered: Rendered) -> None:
    elements = rendered.page.root.all()
    ids = Counter(item.attributes["id"] for item in elements if "id" in item.attributes)
    assert [name for name, times in ids.items() if times > 1] == []
    for element in elements:
        for name in ("href", "aria-labelledby"):
            target = element.attributes.get(name, "")
            if name == "aria-labelledby" or target.startswith("#"):
                assert not target or target.removeprefix("#") in ids
    used = re.findall(r"url\(#([^)]+)\)", rendered.text)
    assert used and set(used) <= set(ids)


def test_landmarks_and_text_alternatives(rendered: Rendered) -> None:
    root = rendered.page.root
    assert [len(root.all(tag)) for tag in ("main", "nav", "h1")] == [1, 1, 1]
    assert all(image.attributes["alt"] for image in root.all("img"))
    pictures = [item for item in root.all("div") if item.attributes.get("role") == "img"]
    assert len(pictures) == 10 and len(root.all("svg")) == 20  # each wide and narrow
    assert all(re.search(r"\d", item.attributes["aria-label"]) for item in pictures)


def test_reading_needs_no_script(rendered: Rendered) -> None:
    without = re.sub(r"<script>.*?</script>", "", rendered.text, flags=re.DOTALL)
    page = Page.parse(without)
    assert len(page.table("toy-table-results")) == 6
    assert "inconclusive" in page.by_id("toy-claims").text


def test_synthetic_data_is_said_to_be(rendered: Rendered) -> None:
    (head,) = rendered.page.root.all("header")
    assert "Synthetic data." in head.text


def test_every_run_leads_to_its_command(rendered: Rendered) -> None:
    command = read_plan(rendered.folder).command
    section = rendered.page.by_id("toy-provenance")
    commands = [item.text for item in section.all("code") if "data-command" in item.attributes]
    assert commands[0] == command
    assert f"{command} -- results/toy/runs/seed_only/seed2/scores.csv" in commands
    assert len(commands) == len(set(commands)) == 19
    runs = rendered.page.by_id("toy-run-seed_only").text
    assert runs.count("It was made with difnet train --benchmark toy --ablation seed_only") == 3
    for row in rendered.page.table("toy-table-results"):
        (link,) = row["Variant"].all("a")
        assert rendered.page.by_id(link.attributes["href"][1:])


def test_same_input_gives_the_same_bytes(rendered: Rendered, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in sorted((rendered.folder / "figures").iterdir())}
    render([rendered.folder], rendered.path)
    assert rendered.path.read_text(encoding="utf-8") == rendered.text
    assert {path: path.read_bytes() for path in before} == before


def test_names_are_escaped(tmp_path: Path) -> None:
    evil = '<script>alert("x")</script>&$_^|'
    folder = make_project(
        tmp_path, variants={"cascade": evil, "other": f"other {evil}"}, classes=(evil, "b\"'<i>")
    )
    environment = folder / "runs" / "other" / "seed0" / "environment.json"
    environment.write_text('{"device": "<img src=x onerror=alert(1)>", "command": "</pre><script>"}')
    (folder / "runs" / "other" / "seed0" / "ablation" / "other.yaml").write_text(evil)
    page = rendered_in(tmp_path, folder).page
    assert len(page.root.all("script")) == 1
    assert not any(name.startswith("on") for item in page.root.all() for name in item.attributes)
    assert evil in page.by_id("toy-results").text
    assert "x onerror" in page.by_id("toy-run-other").text


def test_runs_show_their_code(tmp_path: Path) -> None:
    folder = make_project(tmp_path, variants={"cascade": "Cascade"}, seeds=(0,))
    run = folder / "runs" / "cascade" / "seed0"
    (run / "ablation" / "rule.py").write_text("class Rule: ...\n")
    facts = json.loads((run / "environment.json").read_text())
    facts["uncommitted"] = [" M difnet/a.py", "?? b.py"]
    (run / "environment.json").write_text(json.dumps(facts))
    shown = rendered_in(tmp_path, folder).page.by_id("toy-run-cascade")
    texts = [item.text for item in shown.all("pre")]
    assert "class Rule: ...\n" in texts and "title: Cascade" in "".join(texts)
    assert "uncommitted files M difnet/a.py, ?? b.py" in " ".join(shown.text.split())
    assert "identity" + "b" * 16 in shown.text
