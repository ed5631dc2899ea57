"""Real Snakemake runs of the benchmark `tiny` in a copy of the project: what re-runs, and what does not."""

from __future__ import annotations

import os
import re
from collections import Counter
from urllib.parse import unquote

import pandas as pd
import pytest

from tests.workflow.conftest import NEW_VARIANT, RUNS, SEEDS, TABLES, VARIANTS, Project


def test_everything_is_there(project: Project) -> None:
    results = project.root / "results"
    for page in ("report.html", "provenance.html", "tiny/report.html"):
        assert (results / page).stat().st_size > 10_000
    scores = pd.read_csv(results / "tiny" / "scores.csv")
    assert list(scores.columns) == ["variant", "seed", "split", "metric", "class", "value"]
    means = scores[scores["class"].isna() & (scores["metric"] == "miou")]
    assert sorted(zip(means["variant"], means["seed"], strict=True)) == sorted(
        (variant, seed) for variant in VARIANTS for seed in SEEDS
    )
    claims = pd.read_csv(results / "tiny" / "claims.csv")
    assert claims["claim"].tolist() == [f"C{number}" for number in range(1, 9)]


def test_the_terminal_is_calm(project: Project) -> None:
    """A line or two a job, at the end a line a claim and where the report is."""
    lines = [line for line in project.first_said.splitlines() if line]
    jobs = [match for line in lines if (match := re.match(r"\[(\d+) of (\d+)\] ", line))]
    assert [int(match[1]) for match in jobs] == list(range(1, int(jobs[0][2]))), "all jobs but `all`"
    assert len(lines) <= 2 * len(jobs) + 45, (
        "with the lines of the trainings and of Snakemake's start and end"
    )
    assert not [line for line in lines if line.startswith(("    input:", "Select jobs", "Finished jobid"))]
    (first,) = [
        place for place, line in enumerate(lines) if line.endswith(f": {RUNS} of {RUNS} runs finished")
    ]
    said = lines[first:]
    assert [line.split()[1] for line in said[1:9]] == [f"C{number}" for number in range(1, 9)]
    assert "run it: snakemake --cores all --config 'benchmarks=[tiny]' 'claims=[C7]'" in said[7]
    assert said[9] == "report: results/report.html"


def test_a_dry_run_leaves_every_byte(project: Project) -> None:
    before = project.contents("results")
    said = project.snakemake("-n", config=["benchmarks=[tiny]", "seeds=[0,1,2]"])
    assert said.returncode == 0 and project.contents("results") == before
    assert "Missing metadata" not in said.stdout + said.stderr
    assert len((said.stdout + said.stderr).splitlines()) <= 60


def test_timing_holds_both_parts(project: Project) -> None:
    folder = project.root / "results" / "tiny"
    timing = pd.read_csv(folder / "timing.csv")
    columns = "subject,device,dtype,nodes,classes,batch,metric,value,ci_low,ci_high,status"
    columns += ",features,log_value,standard_error,degrees,foreign_share"
    assert list(timing.columns) == columns.split(",")
    parts = [pd.read_csv(folder / "timing" / f"{part}.csv") for part in ("operators", "networks")]
    assert timing["subject"].tolist() == [subject for part in parts for subject in part["subject"]]
    assert timing["value"].equals(pd.concat([part["value"] for part in parts], ignore_index=True))
    assert set(parts[1]["subject"]) == {f"model:{variant}" for variant in VARIANTS} - {"model:pixel_prior"}
    assert set(timing.loc[timing["subject"] == "dense_inverse_cupy", "status"].str[:7]) <= {"not_run", "ok"}


def test_nothing_is_left_to_do(project: Project) -> None:
    assert "Nothing to be done" in project.run()


def test_deleted_scores_re_evaluate_that_run_alone(project: Project) -> None:
    scores = project.root / "results" / "tiny" / "runs" / "seed_only" / "seed1" / "scores.csv"
    former = scores.read_text()
    scores.unlink()
    assert project.planned() == Counter(evaluate=1, analysis=1, gallery=1, report=1, all=1)
    project.run()
    assert scores.read_text() == former


def test_edited_ablation_re_trains_alone(project: Project) -> None:
    name = "ablations/seed_only.yaml"
    former = project.read(name)
    with project.files({name: former.replace("diffusion: none", "diffusion: none, importance: false")}):
        assert project.planned() == NEW_VARIANT
    with project.files({name: former.replace("title: ", "# a comment\ntitle: The ")}):
        assert project.planned() == Counter(report=1, all=1)


def test_what_says_the_same_re_runs_nothing(project: Project) -> None:
    """Comments, docstrings, unrelated files, and files that were touched or checked out again."""
    sources = [
        path.relative_to(project.root).as_posix()
        for folder in ("difnet", "ablations", "workflow")
        for path in (project.root / folder).rglob("*")
        if path.suffix in {".py", ".yaml", ".smk"}
    ]
    assert len(sources) > 150
    commented = {name: f"{project.read(name)}\n# a comment at the end\n" for name in sources}
    with project.files(commented):
        assert project.planned() == Counter()
    walk = "difnet/diffusion/walk.py"
    unrelated = {"difnet/data/datasets/other.py": project.read("difnet/data/datasets/camvid.py")}
    with project.files(unrelated | {walk: project.read(walk).replace('"""', '"""Told otherwise. ', 1)}):
        assert project.planned() == Counter()
    for path in project.root.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts and "results" not in path.parts:
            os.utime(path)
    assert project.planned() == Counter()


@pytest.mark.parametrize(
    ("source", "jobs"),
    [
        ("difnet/timing/operators.py", Counter(operators=1, networks=1, timing=1, analysis=1)),
        ("difnet/analysis/study.py", Counter(analysis=1)),
        ("difnet/metrics/confusion.py", Counter(evaluate=RUNS, analysis=1, gallery=1)),
        ("difnet/evaluation/similarity.py", Counter(gallery=1)),
        (
            "difnet/data/datasets/shapes/__init__.py",  # other data would be another training
            Counter(data=1, train=RUNS, evaluate=RUNS, operators=1, networks=1, last_losses=1) + TABLES,
        ),
        ("difnet/data/datasets/camvid.py", Counter()),
        ("difnet/cli/lease.py", Counter()),
        (
            "difnet/diffusion/walk.py",
            Counter(train=RUNS, evaluate=RUNS, operators=1, networks=1, last_losses=1) + TABLES,
        ),
    ],
)
def test_edited_library_re_runs_what_reaches_it(project: Project, source: str, jobs: Counter[str]) -> None:
    with project.files({source: project.read(source) + "\n_ADDED = 1\n"}):
        planned = project.planned()
    assert planned == (jobs | Counter(report=1, all=1) if jobs else Counter())


def test_a_quick_look_leaves_every_byte_of_the_finished_runs(project: Project) -> None:
    before = project.contents("results/tiny")
    config = ["benchmarks=[tiny]", "seeds=[0]", "ablations=[pixel_prior]", "set=[train.steps=2]"]
    project.run(config=config)
    assert project.contents("results/tiny") == before
    assert (project.root / "results/tiny+train.steps=2/runs/cascade/seed0/history.csv").is_file()
    page = project.read("results/report.html")
    assert "tiny/report.html" in page, "the report links what else is there"
    assert "set=[train.steps=2]" in page
    assert project.planned() == Counter(report=1, all=1)
    project.run()
    assert "tiny+train.steps=2/report.html" in unquote(project.read("results/report.html"))


def test_a_changed_ablation_moves_the_finished_run_aside(project: Project) -> None:
    name, run = "ablations/seed_only.yaml", "results/tiny/runs/seed_only/seed0"
    before = project.contents(run)
    changed = project.read(name).replace("diffusion: none", "diffusion: none, importance: false")
    with project.files({name: changed}):
        said = project.run(f"{run}/scores.csv")
        (kept,) = (project.root / "results/tiny/replaced/seed_only/seed0").iterdir()
        assert f"{run} is made again; what it held: {kept}" in said.replace(f"{project.root}/", "", 1)
        assert project.contents(f"results/tiny/replaced/seed_only/seed0/{kept.name}") == before
        assert project.contents(run)["weights.safetensors"] != before["weights.safetensors"]
        assert "importance: false" in project.read(f"{run}/config.yaml")
    project.run()
    again = project.contents(run)
    assert again["weights.safetensors"] == before["weights.safetensors"]
    assert again["scores.csv"] == before["scores.csv"]
    assert len(list(kept.parent.iterdir())) == 2
    assert f"replaced/seed_only/seed0/{kept.name}" in project.read("results/tiny/report.html")


def test_pretext_weights_are_made_once_for_all_runs_that_start_alike(project: Project) -> None:
    start = "set=[model.weights=pretext,model.pretext.steps=2]"
    chosen = ("ablations=[cascade,seed_only,pixel_prior]", start)
    planned = project.planned(*chosen)
    assert (planned["pretext"], planned["train"]) == (1, 6)
    project.run("--until", "pretext", config=("benchmarks=[tiny]", *chosen))
    assert len(list((project.root / "results" / "tiny" / "pretext").glob("*.safetensors"))) == 1
    assert project.planned(*chosen)["pretext"] == 0
    assert project.planned(*chosen, "seeds=[0]")["pretext"] == 0, "whichever run it is made for"
