"""What is missing, damaged or extreme is shown as such and breaks nothing."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from difnet.config import read_plan
from difnet.report.load import load_results
from difnet.report.sections import examples, explorer, trust
from difnet.tables import (
    CLAIM_TESTS,
    CLAIMS,
    COMPARISONS,
    CONVERGENCE,
    COURSES,
    GROWTH,
    HISTORY,
    ORIGINS,
    SCORES,
    SUMMARY,
    TIMING,
    HistoryRow,
    Table,
    seal,
)
from tests.report.conftest import Rendered, rendered_in
from tests.report.project import HEADLINE, make_project, write_plan, write_project, write_rows

TABLES = (SCORES, ORIGINS, SUMMARY, COMPARISONS, CLAIMS, CLAIM_TESTS, COURSES, CONVERGENCE, TIMING, GROWTH)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished benchmark; who changes a file puts it back."""
    root = tmp_path_factory.mktemp("finished")
    return make_project(root, variants={"cascade": "Cascade"}, seeds=(0,))


def problems(folder: Path) -> tuple[str, ...]:
    return load_results(folder, read_plan(folder)).problems


def test_nothing_was_run(tmp_path: Path) -> None:
    write_project(tmp_path, benchmark="toy", variants=HEADLINE, seeds=(0, 1, 2))
    page = rendered_in(tmp_path, write_plan(tmp_path)).page
    assert "There is no mIoU yet." in page.by_id("toy-results").text
    assert "0 of 18 planned runs finished" in page.by_id("toy-trust").text
    assert all(row["mIoU"].own_text == "not run" for row in page.table("toy-table-results"))
    assert all(row["Seeds"].own_text == "0 of 3" for row in page.table("toy-table-results"))
    assert "summary.csv does not exist" in page.by_id("toy-provenance").text


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"a", b"e"))


def unsealed(path: Path) -> None:
    path.with_name(f".{path.name}.sha256").unlink()


def foreign(path: Path) -> None:
    path.write_text("a,b\n1,2\n")
    seal(path, path.read_bytes())


def words(path: Path) -> None:
    """A word in every number of the last row, and a digest that fits."""
    *lines, last = path.read_text().splitlines()
    cells = [cell if not cell.replace(".", "").isdigit() else "many" for cell in last.split(",")]
    path.write_text("\n".join([*lines, ",".join(cells)]) + "\n")
    seal(path, path.read_bytes())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize(
    ("damage", "remark"),
    [
        (cut, "is not what was written"),
        (edited, "is not what was written"),
        (unsealed, "has no digest"),
        (foreign, "has no column"),
        (Path.unlink, "does not exist"),
    ],
    ids=["cut", "edited", "unsealed", "foreign", "missing"],
)
def test_a_damaged_table_is_a_remark(finished: Path, table: Table[Any], damage: Any, remark: str) -> None:
    paths = [finished / table.name, finished / f".{table.name}.sha256"]
    before = [path.read_bytes() for path in paths]
    damage(paths[0])
    found = problems(finished)
    for path, content in zip(paths, before, strict=True):
        path.write_bytes(content)
    assert len(found) == 1 and f"{table.name}" in found[0] and remark in found[0] and "\n" not in found[0]
    assert problems(finished) == ()


def test_words_for_numbers_are_a_remark(finished: Path) -> None:
    path = finished / "timing.csv"
    before = path.read_bytes()
    words(path)
    (remark,) = problems(finished)
    path.write_bytes(before)
    seal(path, before)
    assert "timing.csv" in remark and "'many'" in remark and "column 'nodes'" in remark and "\n" not in remark


def test_all_tables_are_damaged(tmp_path: Path) -> None:
    folder = make_project(tmp_path, variants={"cascade": "Cascade", "seed_only": "Seed only"}, seeds=(0,))
    for table in TABLES:
        (folder / table.name).write_text("")
    (folder / "data" / "index.json").write_text("[]")
    page = rendered_in(tmp_path, folder).page
    assert "have not been judged" in page.by_id("toy-claims").text
    assert "11 remarks on missing, damaged or outdated files" in page.by_id("toy-trust").text


def test_runs_that_did_not_finish(tmp_path: Path) -> None:
    folder = make_project(tmp_path)
    runs = folder / "runs"
    shutil.rmtree(runs / "deeplab" / "seed1")
    (runs / "seed_only" / "seed0" / "scores.csv").unlink()
    (runs / "seed_only" / "seed0" / "history.csv").write_text("")
    (runs / "seed_only" / "seed0" / "environment.json").write_text("{")
    page = rendered_in(tmp_path, folder).page
    assert "seed 1: not run" in page.by_id("toy-run-deeplab").text
    assert "seed 0: not as planned" in page.by_id("toy-run-seed_only").text
    remarks = page.by_id("toy-provenance").text
    assert "history.csv is not what was written" in remarks and "environment.json: is damaged" in remarks


def test_nan_breaks_neither_table_nor_figure(tmp_path: Path) -> None:
    folder = make_project(tmp_path)
    for table in (SCORES, SUMMARY, COMPARISONS, CLAIM_TESTS, COURSES, TIMING, GROWTH):
        floats = [name for name, kind in table.types.items() if kind is float]
        frame = table.read(folder / table.name)
        frame.loc[frame.index % 3 == 0, floats] = np.nan
        table.write(frame, folder / table.name)
    rows = [HistoryRow(10, np.nan, 0.1, 1), HistoryRow(20, -1, np.nan, np.nan), HistoryRow(30, 0.5, 0.1, 1)]
    write_rows(HISTORY, rows, folder / "runs" / "cascade" / "seed0")
    page = rendered_in(tmp_path, folder).page
    assert any(row["mIoU"].own_text == "undefined" for row in page.table("toy-table-results"))
    assert "nan" not in page.by_id("toy-results").text.lower()
    assert "nan" not in page.by_id("toy-claims").text.lower()


def test_one_variant(tmp_path: Path) -> None:
    folder = make_project(tmp_path, variants={"cascade": "Cascade"}, seeds=(0,))
    assert "the only variant scored" in rendered_in(tmp_path, folder).page.by_id("toy-results").text


def test_sixty_variants_and_sixty_classes(crowded: Rendered) -> None:
    page = crowded.page
    assert len(page.table("toy-table-results")) == 60
    assert len(page.table("toy-table-classes")[0]) == 61
    assert len(crowded.text) < 15e6


@pytest.mark.slow
def test_sixty_variants_take_less_than_a_minute(crowded: Rendered) -> None:
    assert crowded.seconds <= 60


def test_large_images_fit_the_budget(tmp_path: Path) -> None:
    variants = {f"v{place}": f"Variant {place}" for place in range(8)}
    folder = make_project(tmp_path, variants=variants, seeds=(0,), size=320)
    found = load_results(folder, read_plan(folder))
    kept = [example.weight for example in examples.build(found).content["examples"]]
    assert len(kept) == 4 and sum(kept) <= found.budget
    tight = dataclasses.replace(found, budget=200_000)
    assert sum(example.weight for example in examples.build(tight).content["examples"]) < sum(kept)
    assert len(explorer.build(tight).content["boards"]) == 1


def test_mixed_devices_are_named_whole(tmp_path: Path) -> None:
    """Two cards of one name may differ at its end."""
    folder = make_project(tmp_path, variants={"cascade": "Cascade", "seed_only": "Seed only"})
    for seed, device in enumerate(("NVIDIA A100-SXM4-40GB", "NVIDIA A100-SXM4-80GB")):
        path = folder / "runs" / "seed_only" / f"seed{seed}" / "environment.json"
        record = json.loads(path.read_text()) | {"device": device}
        path.write_text(json.dumps(record))
    (line, *_) = [line for line in trust.warnings(rendered_in(tmp_path, folder).results) if "devices" in line]
    assert "NVIDIA A100-SXM4-40GB" in line and "NVIDIA A100-SXM4-80GB" in line


def test_mixed_runs_are_pointed_out_once(tmp_path: Path) -> None:
    folder = make_project(tmp_path, variants={"cascade": "Cascade", "seed_only": "Seed only"})
    path = folder / "runs" / "seed_only" / "seed1" / "environment.json"
    path.write_text(path.read_text().replace("c" * 64, "f" * 64))
    rendered = rendered_in(tmp_path, folder)
    words = "These runs mix 2 versions of the code: cccccccccccc and ffffffffffff."
    assert trust.warnings(rendered.results) == [words]
    assert rendered.text.count(words) == 1
    assert "1 warning under" in rendered.page.by_id("toy-results").text
