"""Real Snakemake runs of the benchmark `tiny` in a copy of the project: what re-runs, and what does not.

The tests of this file share one finished run and leave it finished, so each may run alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import PROJECT

PARTS = ["Snakefile", "workflow", "ablations", "profiles", "difnet", "pyproject.toml"]
VARIANTS = ["cascade", "deeplab", "dense_inverse", "pixel_prior", "seed_only", "similarity_only"]
RUNS = len(VARIANTS) * 2


class Project:
    """A copy of the project with a finished run of `tiny`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        if "--config" not in arguments:
            command += ["--config", "benchmarks=[tiny]"]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)

    def planned(self) -> Counter[str]:
        """Number of jobs that a dry run plans, by rule."""
        output = self.snakemake("-n").stdout
        rows = re.findall(r"^(data|train|evaluate|timing|analysis|report|all)\s+(\d+)$", output, re.MULTILINE)
        return Counter({rule: int(count) for rule, count in rows})

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / part)
    project = Project(root)
    finished = project.snakemake()
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return project


def test_everything_is_there(project: Project) -> None:
    results = project.root / "results"
    assert (results / "report.html").stat().st_size > 10_000
    assert (results / "provenance.html").stat().st_size > 10_000
    scores = pd.read_csv(results / "tiny" / "scores.csv")
    assert list(scores.columns) == ["variant", "seed", "split", "metric", "class", "value"]
    means = scores[scores["class"].isna() & (scores["metric"] == "miou")]
    assert sorted(zip(means["variant"], means["seed"], strict=True)) == sorted(
        (variant, seed) for variant in VARIANTS for seed in (0, 1)
    )
    timing = pd.read_csv(results / "tiny" / "timing.csv")
    columns = "subject,device,dtype,nodes,classes,batch,metric,value,ci_low,ci_high,status"
    assert list(timing.columns) == columns.split(",")
    assert set(timing.loc[timing["subject"] == "dense_inverse_cupy", "status"].str[:7]) <= {"not_run", "ok"}
    claims = pd.read_csv(results / "tiny" / "claims.csv")
    assert claims["claim"].tolist() == [f"C{number}" for number in range(1, 9)]


def test_nothing_is_left_to_do(project: Project) -> None:
    assert "Nothing to be done" in project.snakemake().stderr


def test_deleted_scores_re_evaluate_that_run_alone(project: Project) -> None:
    scores = project.root / "results" / "tiny" / "runs" / "seed_only" / "seed1" / "scores.csv"
    former = scores.read_text()
    scores.unlink()
    assert project.planned() == Counter(evaluate=1, analysis=1, report=1, all=1)
    assert project.snakemake().returncode == 0
    assert scores.read_text() == former


def test_edited_ablation_re_trains_alone(project: Project) -> None:
    path = project.root / "ablations" / "seed_only.yaml"
    former = path.read_text()
    project.replace("ablations/seed_only.yaml", "diffusion: none", "diffusion: none, importance: false")
    assert project.planned() == Counter(train=2, evaluate=2, timing=1, analysis=1, report=1, all=1)
    path.write_text(former)
    project.replace("ablations/seed_only.yaml", "title: ", "# a comment\ntitle: The ")
    assert project.planned() == Counter(report=1, all=1)
    path.write_text(former)


def test_touched_template_re_renders_alone(project: Project) -> None:
    template = next((project.root / "difnet" / "report" / "templates").glob("*.j2"))
    template.touch()
    assert project.planned() == Counter(report=1, all=1)
    assert project.snakemake("--touch").returncode == 0


@pytest.mark.parametrize(
    ("source", "jobs"),
    [
        ("difnet/analysis/holm.py", Counter(analysis=1, report=1, all=1)),
        ("difnet/metrics/confusion.py", Counter(evaluate=RUNS, analysis=1, report=1, all=1)),
        (
            "difnet/training/recipe.py",
            Counter(train=RUNS, evaluate=RUNS, timing=1, analysis=1, report=1, all=1),
        ),
    ],
)
def test_edited_library_re_runs_what_reaches_it(project: Project, source: str, jobs: Counter[str]) -> None:
    (project.root / source).touch()
    assert project.planned() == jobs
    assert project.snakemake("--touch").returncode == 0


def test_new_ablation_is_planned_alone(project: Project) -> None:
    path = project.root / "ablations" / "restart_half.yaml"
    path.write_text("title: T\nquestion: Q\nextends: cascade\ntags: [headline]\nmodel: {restart: 0.5}\n")
    assert project.planned() == Counter(train=2, evaluate=2, timing=1, analysis=1, report=1, all=1)
    path.unlink()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("benchmarks=[tinny]", "difnet: unknown benchmark 'tinny'; did you mean 'tiny'?"),
        ("benchmarks=[shapes", "difnet: "),
    ],
)
def test_mistakes_end_before_any_job(project: Project, config: str, message: str) -> None:
    failed = project.snakemake("--config", config)
    assert failed.returncode != 0
    assert message in failed.stderr or "Invalid config" in failed.stderr
