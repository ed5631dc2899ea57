"""The planned runs of a benchmark, what a reader must know of them, and the runs that they replaced."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from difnet.config import DataConfig, RunFolder, load_run, read_plan
from difnet.report.load import Results, load_results
from difnet.report.run_records import read_variants
from difnet.report.section import anchor
from difnet.report.sections import overview, trust
from difnet.report.sections.results_table import results_table
from difnet.report.sections.trust import published
from difnet.report.summary import summary
from difnet.tables import SCORES, ScoreRow, SummaryRow
from tests.report.conftest import rendered_in
from tests.report.project import make_project, write_plan, write_rows

ABLATIONS = {
    "cascade": {"title": "Cascade", "question": "?", "tags": ["headline"]},
    "oracle": {
        "title": "Oracle",
        "question": "?",
        "weights_of": "cascade",
        "evaluate": {"oracle_seeds": "1%"},
        "extends": "cascade",
    },
    "walked": {
        "title": "Walked",
        "question": "?",
        "weights_of": "cascade",
        "extends": "cascade",
        "model": {"repeats": 5},
    },
    "explicit": {"title": "Explicit", "question": "?", "extends": "cascade", "model": {"restart": "learned"}},
    "deeplab": {"title": "DeepLab", "question": "?", "model": {"name": "deeplab"}},
}


@pytest.fixture
def folder(project: Path) -> Path:
    """Nothing was run, but everything is planned; the benchmark sweeps the restart weight."""
    for name, content in ABLATIONS.items():
        (project / "ablations" / f"{name}.yaml").write_text(yaml.safe_dump(content))
    benchmark = {
        "title": "T",
        "ablations": list(ABLATIONS),
        "sweep": {"model.restart": [0.1]},
        "model": {"name": "difnet-50", "weights": "ResNet50_Weights.IMAGENET1K_V1"},
        "seeds": [0],
    }
    (project / "workflow" / "benchmarks" / "toy.yaml").write_text(yaml.safe_dump(benchmark))
    return write_plan(project)


@pytest.fixture
def results(folder: Path) -> Results:
    return load(folder)


def load(folder: Path) -> Results:
    return load_results(folder, read_plan(folder))


def estimate(variant: str, mean: float) -> SummaryRow:
    return SummaryRow(variant, "miou", "val", mean, mean - 0.01, mean + 0.01, 1, "images")


def test_evaluation_only_and_equal_variants_are_labelled(results: Results) -> None:
    notes = {variant.name: variant.notes for variant in results.variants}
    assert notes["oracle"] == (
        "not trained: weights of Cascade",
        "oracle: true labels as seeds, 1% of the pixels",
    )
    assert notes["walked"] == ("not trained: weights of Cascade",)
    assert notes["explicit"] == ("same configuration as the reference here",)
    assert notes["cascade"] == notes["deeplab"] == notes["cascade@restart=0.1"] == ()
    lines = {row[0].lines[0]: row[0].lines[1:] for row in results_table(results).rows}
    assert lines["oracle"] == list(notes["oracle"])


def test_what_sees_the_truth_is_never_the_best(results: Results) -> None:
    estimates = {name: estimate(name, mean) for name, mean in (("cascade", 0.4), ("oracle", 0.9))}
    known = dataclasses.replace(results, estimates=defaultdict(dict, miou=estimates))
    text = " ".join(map(str, summary(known)))
    assert "0.400" in text and "0.900" not in text and "Oracle</b>" not in text


def test_swept_variants_have_titles_and_anchors_of_their_own(results: Results) -> None:
    assert results.title_of("cascade@restart=0.1") == "Cascade, restart = 0.1"
    anchors = [anchor("toy", "run", variant.name) for variant in results.variants]
    assert len(set(anchors)) == len(anchors)
    assert "toy-run-cascade@restart=0.1" in anchors


def test_anchors_of_different_names_differ() -> None:
    names = ["a b", "a_b", "a.b", "a<b", "a~b", "a@b", "ä"]
    assert len({anchor(name) for name in names}) == len(names)
    assert not any(set(anchor(name)) & set(" <>\"'&#%") for name in names)


def test_only_networks_of_the_paper_have_its_figures(results: Results) -> None:
    figures = {item.name: published(item).get("miou") for item in results.variants}
    assert figures["cascade"] == figures["explicit"] == 0.7248
    assert figures["deeplab"] == 0.6999
    assert figures["walked"] is figures["oracle"] is figures["cascade@restart=0.1"] is None


def test_the_papers_figures_stand_beside_ours(results: Results) -> None:
    estimates = defaultdict(dict, miou={"deeplab": estimate("deeplab", 0.6899)})
    plan = results.plan.model_copy(update={"data": DataConfig(name="voc2012")})
    found = dataclasses.replace(results, plan=plan, estimates=estimates)
    (table,) = trust.build(found).tables
    texts = [[cell.text for cell in row] for row in table.rows]
    assert ["DeepLab", "mIoU", "0.6999", "0.6899", "−0.0100"] in texts
    assert ["Cascade", "mIoU", "0.7248", "not run", "not run"] in texts
    assert trust.build(results).tables == []


def test_recipe_names_every_augmentation(project: Path, results: Results) -> None:
    changes = ("train.scale=[0.5, 1.4]", "train.crop=321", "train.photometric=true")
    found = load(write_plan(project, set=list(changes)))
    for known, words in (
        (results, "augmentation: random flip"),
        (found, "augmentation: random flip, scale 0.5–1.4, crop 321, photometric changes"),
    ):
        assert overview.build(known).content["facts"]["Recipe"].endswith(words)


def test_overview_says_what_each_variant_sets(results: Results) -> None:
    changes = {plan.name: set_ for plan, set_ in overview.build(results).content["variants"]}
    assert changes["cascade"] == [] and changes["walked"] == ["model.repeats = 5"]
    assert changes["oracle"] == ["evaluate.oracle_seeds = 1%"]
    assert changes["cascade@restart=0.1"] == ["model.restart = 0.1"]


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A finished benchmark of three variants and two seeds."""
    variants = {"cascade": "Cascade", "seed_only": "Seed only", "deeplab": "DeepLab"}
    return make_project(tmp_path, variants=variants, seeds=(0, 1))


def test_a_smaller_plan_shows_its_own_runs_alone(toy: Path, tmp_path: Path) -> None:
    write_plan(tmp_path, ablations=["seed_only"], seeds=[0, 1])
    page = rendered_in(tmp_path, toy).page
    rows = page.table("toy-table-results")
    assert [row["Variant"].all("small")[0].text for row in rows] == ["cascade", "seed_only"]
    assert [row["Seeds"].own_text for row in rows] == ["2", "2"]
    assert all(math.isfinite(float(row["mIoU"].attributes["data-value"])) for row in rows)
    assert "4 of 4 planned runs finished and scored." in page.by_id("toy-trust").text
    whole = page.by_id("toy").text
    assert "DeepLab" not in whole
    for name in ("classes", "timing-networks", "timing-step"):
        assert len(page.table(f"toy-table-{name}")) == 2
    # The verdicts rest on a run that is not planned.
    assert "have not been judged on these runs" in page.by_id("toy-claims").text
    assert "not planned (deeplab seed 0 and deeplab seed 1)" in page.by_id("toy-provenance").text


def test_numbers_of_seeds_that_are_not_planned_are_left_out(toy: Path, tmp_path: Path) -> None:
    write_plan(tmp_path, seeds=[1])
    results = load(toy)
    assert results.estimates == results.comparisons == {} and results.gallery is None
    assert "gallery.npz does not begin with a planned run" in " ".join(results.problems)
    scores = SCORES.rows(SCORES.read(toy / "runs" / "cascade" / "seed1" / "scores.csv"))
    shown = {name: row["cascade"] for name, row in results.class_iou.items()}
    assert shown == {row.class_: row.value for row in scores if row.metric == "iou"}
    page = rendered_in(tmp_path, toy).page
    assert "3 of 3 planned runs finished" in page.by_id("toy-trust").text
    assert [row["Seeds"].own_text for row in page.table("toy-table-results")] == ["0 of 1"] * 3


def test_seeds_that_wait_for_the_analysis_are_named(toy: Path, tmp_path: Path) -> None:
    runs = toy / "runs" / "deeplab"
    write_plan(tmp_path, seeds=[0, 1, 2])
    for name in ("scores.csv", ".scores.csv.sha256"):
        shutil.copy(runs / "seed1" / name, runs / "seed2" / name)
    results = load(toy)
    assert [problem.partition(": ")[2] for problem in results.problems] == [
        "finished but not analysed yet: deeplab seed 2"
    ]
    seeds = {row[0].lines[0]: (row[1].text, row[1].value) for row in results_table(results).rows}
    assert seeds["deeplab"] == ("2 of 3", 2)


def test_a_run_of_another_configuration_is_named(toy: Path, tmp_path: Path) -> None:
    path = toy / "runs" / "cascade" / "seed0"
    config = load_run(path)
    train = config.train.model_copy(update={"steps": 7, "momentum": 0.5})
    RunFolder(tmp_path / "other").write_config(config.model_copy(update={"train": train}), {})
    shutil.copy(tmp_path / "other" / "config.yaml", path / "config.yaml")
    page = rendered_in(tmp_path, toy).page
    words = "cascade seed 0 is not as planned: train.steps (7 and 1500)."
    assert words in page.by_id("toy-trust").text
    assert "5 of 6 planned runs finished" in page.by_id("toy-trust").text
    assert "1 warning under Can I trust it?" in page.by_id("toy-results").text
    assert "seed 0: not as planned" in page.by_id("toy-run-cascade").text


def test_a_run_copied_to_another_place_is_named(toy: Path) -> None:
    for name in ("seed_only", "cascade"):
        shutil.copy(toy / "runs" / "deeplab" / "seed0" / "config.yaml", toy / "runs" / name / "seed1")
    runs = {variant.name: variant.runs[1] for variant in load(toy).variants}
    assert runs["seed_only"].departure == runs["cascade"].departure == "it is of deeplab seed 0"
    assert runs["deeplab"].departure == ""


def test_a_configuration_that_cannot_be_read_is_named(toy: Path) -> None:
    (toy / "runs" / "cascade" / "seed0" / "config.yaml").write_text("benchmark: [")
    run = load(toy).variants[0].runs[0]
    assert "config.yaml" in run.departure and not run.finished


def test_replaced_runs_are_listed(toy: Path, tmp_path: Path) -> None:
    run = RunFolder(toy / "runs" / "seed_only" / "seed0")
    moved = run.set_aside()
    assert moved is not None
    write_plan(tmp_path)
    scores = {("iou", "disc"): 0.9, ("miou", ""): 0.25}
    rows = [ScoreRow("seed_only", 0, "val", *key, value) for key, value in scores.items()]
    write_rows(SCORES, rows, moved)
    alone = toy / "replaced" / "cascade" / "seed1" / "c-scores-d"
    alone.mkdir(parents=True)
    (found, first) = sorted(load(toy).replaced, key=lambda item: item.name, reverse=True)
    assert (found.steps, found.miou) == (1500, 0.25) and (first.steps, math.isnan(first.miou)) == (None, True)
    page = rendered_in(tmp_path, toy).page
    (item,) = [item for item in page.root.all("li") if item.text.startswith("seed_only/seed0/")]
    assert item.text == f"seed_only/seed0/{moved.name}: 1,500 steps, mIoU 0.250"
    (link,) = item.all("a")
    assert (toy.parent / link.attributes["href"]) == moved
    assert "cascade/seed1/c-scores-d: scores alone, mIoU –" in page.by_id("toy-provenance").text
    assert "5 of 6 planned runs" in page.by_id("toy-trust").text


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("step 1\ndifnet: runs/x: the loss is nan at step 3\n", "difnet: runs/x: the loss is nan at step 3"),
        ("Traceback (most recent call last):\n  File\nKeyError: 'a'\n", "KeyError: 'a'"),
        ("step 1 of 10\n", ""),
    ],
)
def test_a_run_that_failed_says_why(log: str, reason: str, tmp_path: Path) -> None:
    folder = make_project(tmp_path)
    plan = read_plan(folder)
    run = folder / "runs" / plan.reference / f"seed{plan.seeds[0]}"
    shutil.rmtree(run)
    path = folder / "logs" / "train" / plan.reference / f"{run.name}.log"
    path.parent.mkdir(parents=True)
    path.write_text(log)
    problems: list[str] = []
    read_variants(folder, plan, problems)
    expected = [f"{plan.reference} seed {plan.seeds[0]} failed: {reason}"] if reason else []
    assert [problem for problem in problems if "failed" in problem] == expected
