"""What is missing, broken or extreme is shown as such and breaks nothing."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from difnet.config import InputError, resolve_run, write_yaml
from difnet.report import render
from difnet.report.load import load_results
from difnet.report.sections import explorer, gallery, provenance
from tests.report.conftest import Rendered
from tests.report.page import Page
from tests.report.project import HEADLINE, make_project, write_project

TABLES = ("scores", "summary", "comparisons", "claims", "timing", "growth")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    make_project(root, variants={"cascade": "Cascade"}, seeds=(0,))
    return root


def report(root: Path) -> Page:
    results = root / "results"
    render(root, results, ["toy"], results / "report.html")
    return Page.parse((results / "report.html").read_text(encoding="utf-8"))


def test_nothing_was_run(tmp_path: Path) -> None:
    write_project(tmp_path, benchmark="toy", variants=HEADLINE, seeds=(0, 1, 2))
    page = report(tmp_path)
    text = page.by_id("toy-results").text
    assert "0 of 18 runs are finished" in text and "There is no mIoU yet." in text
    assert all(row["mIoU"].own_text == "not run" for row in page.table("toy-table-results"))
    assert "summary.csv is missing" in page.by_id("toy-provenance").text


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("content", "remark"),
    [("", "cannot be read"), ("a,b\n1,2\n", "lacks the column"), ("a\n\xff\n", "cannot be")],
)
def test_a_broken_table_is_named(finished: Path, table: str, content: str, remark: str) -> None:
    path = finished / "results" / "toy" / f"{table}.csv"
    before = path.read_bytes()
    path.write_bytes(content.encode("latin-1"))
    problems = load_results(finished, finished / "results", "toy").problems
    path.write_bytes(before)
    assert [problem for problem in problems if f"{table}.csv {remark}" in problem]


def test_all_tables_are_broken(tmp_path: Path) -> None:
    results = make_project(tmp_path, variants={"cascade": "Cascade", "seed_only": "Seed only"}, seeds=(0,))
    for table in TABLES:
        (results / "toy" / f"{table}.csv").write_text("")
    (results / "toy" / "data" / "index.json").write_text("[]")
    assert "claims.csv is missing or empty" in report(tmp_path).by_id("toy-claims").text


def test_runs_that_did_not_finish(tmp_path: Path) -> None:
    results = make_project(tmp_path)
    runs = results / "toy" / "runs"
    shutil.rmtree(runs / "deeplab" / "seed1")
    (runs / "seed_only" / "seed0" / "scores.csv").unlink()
    (runs / "seed_only" / "seed0" / "history.csv").write_text("")
    (runs / "seed_only" / "seed0" / "environment.json").write_text("{")
    page = report(tmp_path)
    assert "seed 1: not run" in page.by_id("toy-run-deeplab").text
    assert "started, not scored" in page.by_id("toy-run-seed_only").text


def test_nan_breaks_neither_table_nor_figure(tmp_path: Path) -> None:
    results = make_project(tmp_path)
    for name in ("scores", "summary", "comparisons", "timing", "growth"):
        path = results / "toy" / f"{name}.csv"
        table = pd.read_csv(path)
        for column in table.select_dtypes("float").columns:
            table.loc[table.index % 3 == 0, column] = np.nan
        table.to_csv(path, index=False)
    history = results / "toy" / "runs" / "cascade" / "seed0" / "history.csv"
    history.write_text("step,loss,learning_rate,images_per_s\n10,nan,0.1,1\n20,-1,,\n30,0.5,,\n")
    page = report(tmp_path)
    assert any(row["mIoU"].own_text == "undefined" for row in page.table("toy-table-results"))
    assert "nan" not in page.by_id("toy-results").text.lower()


def test_one_variant(tmp_path: Path) -> None:
    make_project(tmp_path, variants={"cascade": "Cascade"}, seeds=(0,))
    assert "the only variant scored" in report(tmp_path).by_id("toy-results").text


def test_sixty_variants_and_sixty_classes(crowded: Rendered) -> None:
    page = crowded.page
    assert len(page.table("toy-table-results")) == 60
    assert len(page.table("toy-table-classes")[0]) == 61
    assert len(crowded.text) < 15e6
    assert crowded.seconds <= 60


def test_large_images_fit_the_budget(tmp_path: Path) -> None:
    variants = {f"v{place}": f"Variant {place}" for place in range(8)}
    found = load_results(tmp_path, make_project(tmp_path, variants=variants, seeds=(0,), size=320), "toy")
    kept = [example.weight for example in gallery.build(found).content["examples"]]
    assert len(kept) == 4 and sum(kept) <= found.budget
    tight = dataclasses.replace(found, budget=200_000)
    assert sum(example.weight for example in gallery.build(tight).content["examples"]) < sum(kept)
    assert len(explorer.build(tight).content["boards"]) == 1


def test_mixed_runs_are_pointed_out(tmp_path: Path) -> None:
    results = make_project(tmp_path, variants={"cascade": "Cascade", "seed_only": "Seed only"})
    path = results / "toy" / "runs" / "seed_only" / "seed1" / "environment.json"
    path.write_text(path.read_text().replace("c" * 64, "f" * 64))
    warnings = provenance.build(load_results(tmp_path, results, "toy")).content["warnings"]
    assert warnings == ["These runs mix 2 versions of the code: cccccccccccc and ffffffffffff."]


def test_runs_of_another_recipe_are_pointed_out(finished: Path) -> None:
    config = resolve_run(finished, benchmark="toy", ablation="cascade", seed=0, overrides=["train.steps=7"])
    path = finished / "results" / "toy" / "runs" / "cascade" / "seed0" / "config.yaml"
    before = path.read_text()
    write_yaml(path, config.model_dump(mode="json"))
    warnings = provenance.build(load_results(finished, finished / "results", "toy")).content["warnings"]
    path.write_text(before)
    assert (
        len(warnings) == 1
        and "another configuration than the one described here: cascade seed 0" in warnings[0]
    )


def test_unknown_benchmark_writes_nothing(tmp_path: Path) -> None:
    results = make_project(tmp_path, variants={"cascade": "Cascade"}, seeds=(0,))
    with pytest.raises(InputError, match="unknown benchmark 'toi'; did you mean 'toy'"):
        render(tmp_path, results, ["toi"], results / "report.html")
    assert not (results / "report.html").exists()
