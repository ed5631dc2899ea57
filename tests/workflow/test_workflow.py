"""Real Snakemake runs of the benchmark `tiny` in a copy of the project: what re-runs, and what does not."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from tests.workflow.conftest import NEW_VARIANT, RUNS, SEEDS, TABLES, VARIANTS, Project


def test_everything_is_there(project: Project) -> None:
    results = project.root / "results"
    assert (results / "report.html").stat().st_size > 10_000
    assert (results / "provenance.html").stat().st_size > 10_000
    scores = pd.read_csv(results / "tiny" / "scores.csv")
    assert list(scores.columns) == ["variant", "seed", "split", "metric", "class", "value"]
    means = scores[scores["class"].isna() & (scores["metric"] == "miou")]
    assert sorted(zip(means["variant"], means["seed"], strict=True)) == sorted(
        (variant, seed) for variant in VARIANTS for seed in SEEDS
    )
    claims = pd.read_csv(results / "tiny" / "claims.csv")
    assert claims["claim"].tolist() == [f"C{number}" for number in range(1, 9)]


def test_timing_holds_both_parts(project: Project) -> None:
    folder = project.root / "results" / "tiny"
    timing = pd.read_csv(folder / "timing.csv")
    columns = "subject,device,dtype,nodes,classes,batch,metric,value,ci_low,ci_high,status"
    assert list(timing.columns) == columns.split(",")
    parts = [pd.read_csv(folder / "timing" / f"{part}.csv") for part in ("operators", "networks")]
    assert timing["subject"].tolist() == [subject for part in parts for subject in part["subject"]]
    assert timing["value"].equals(pd.concat([part["value"] for part in parts], ignore_index=True))
    assert set(parts[1]["subject"]) == {f"model:{variant}" for variant in VARIANTS} - {"model:pixel_prior"}
    assert set(timing.loc[timing["subject"] == "dense_inverse_cupy", "status"].str[:7]) <= {"not_run", "ok"}


def test_nothing_is_left_to_do(project: Project) -> None:
    assert "Nothing to be done" in project.snakemake().stderr


def test_deleted_scores_re_evaluate_that_run_alone(project: Project) -> None:
    scores = project.root / "results" / "tiny" / "runs" / "seed_only" / "seed1" / "scores.csv"
    former = scores.read_text()
    scores.unlink()
    assert project.planned() == Counter(evaluate=1, analysis=1, gallery=1, report=1, all=1)
    assert project.snakemake().returncode == 0
    assert scores.read_text() == former


def test_edited_ablation_re_trains_alone(project: Project) -> None:
    name = "ablations/seed_only.yaml"
    former = project.read(name)
    with project.files({name: former.replace("diffusion: none", "diffusion: none, importance: false")}):
        assert project.planned() == NEW_VARIANT
    with project.files({name: former.replace("title: ", "# a comment\ntitle: The ")}):
        assert project.planned() == Counter(report=1, all=1)


def test_touched_template_re_renders_alone(project: Project) -> None:
    template = "difnet/report/templates/report.html.j2"
    with project.files({template: project.read(template)}):
        assert project.planned() == Counter(report=1, all=1)


@pytest.mark.parametrize(
    ("source", "jobs"),
    [
        ("difnet/analysis/holm.py", Counter(analysis=1, report=1, all=1)),
        ("difnet/metrics/confusion.py", Counter(evaluate=RUNS, analysis=1, gallery=1, report=1, all=1)),
        (
            "difnet/diffusion/walk.py",
            Counter(train=RUNS, evaluate=RUNS, operators=1, networks=1, last_losses=1) + TABLES,
        ),
    ],
)
def test_edited_library_re_runs_what_reaches_it(project: Project, source: str, jobs: Counter[str]) -> None:
    with project.files({source: project.read(source)}):
        assert project.planned() == jobs
