"""New ablations and selections on the command line: their jobs, and the tables that list all variants."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml

from difnet.config import Project as Catalogue
from difnet.config import plan, read_plan
from tests.workflow.conftest import DIFFUSION, NEW_VARIANT, PARTS, RULES, TABLES, YAML, Project, jobs

JOB_BY_JOB = ("--quiet", "host")
"""In place of the profile's: a dry run lists every job."""


def test_new_ablation_is_planned_alone(project: Project) -> None:
    restart = "title: T\nquestion: Q\nextends: cascade\ntags: [own]\nmodel: {restart: 0.5}\n"
    with project.files({"ablations/restart_half.yaml": restart}):
        assert project.planned() == NEW_VARIANT


def test_new_diffusion_rule_is_planned_alone(project: Project) -> None:
    files = {"ablations/own.yaml": YAML.replace("mean_walk", "own"), "ablations/own.py": DIFFUSION}
    with project.files(files):
        assert project.planned() == NEW_VARIANT


def test_new_workflow_rule_is_planned_alone(project: Project) -> None:
    rules = RULES.replace("mean_walk", "seed_only").replace("last_losses", "more_losses")
    with project.files({"ablations/seed_only.smk": rules}):
        assert project.planned() == Counter(more_losses=1, report=1, all=1)


def test_edited_diffusion_rule_re_trains_that_ablation_alone(project: Project) -> None:
    with project.files({"ablations/mean_walk.py": DIFFUSION.replace(".mean(", ".sum(")}):
        assert project.planned() == NEW_VARIANT + Counter(last_losses=1)


def test_changed_section_re_renders_the_report(project: Project) -> None:
    folder = project.root / "results" / "tiny" / "sections" / "mean_walk"
    losses = (folder / "losses.csv").read_text().split()
    assert len([float(loss) for loss in losses[1:]]) == 2
    assert "Losses of the mean walk" in project.read("results/report.html")
    with project.files({"ablations/mean_walk.smk": RULES.replace("Losses", "Last losses")}):
        assert project.planned() == Counter(last_losses=1, report=1, all=1)


def test_sections_belong_to_the_benchmarks_that_select_the_ablation(project: Project) -> None:
    other = "title: T\nablations: [cascade]\ntrain: {steps: 1}\n"
    with project.files({"workflow/benchmarks/other.yaml": other}):
        planned = jobs(project.snakemake("-n", config=["benchmarks=[tiny,other]"]))
    assert planned == Counter(data=1, train=3, evaluate=3, operators=1, networks=1) + TABLES


def test_weights_of_another_ablation_are_waited_for(project: Project) -> None:
    evaluated = "title: T\nquestion: Q\nextends: cascade\nweights_of: cascade\nmodel: {restart: 0.5}\n"
    with project.files({"ablations/evaluated.yaml": evaluated}):
        run = project.snakemake(
            "-n", "-p", *JOB_BY_JOB, config=["benchmarks=[tiny]", "ablations=[evaluated]", "seeds=[7]"]
        )
    assert jobs(run) == Counter(train=2, evaluate=2, operators=1, networks=1) + TABLES
    train = {
        match["variant"]: match[0]
        for match in re.finditer(r"rule train:.*?variant=(?P<variant>\w+).*?\n\n", run.stdout, re.DOTALL)
    }
    weights = "results/tiny/runs/cascade/seed7/weights.safetensors"
    assert weights in re.findall(r"input: (.*)", train["evaluated"])[0].split(", ")
    assert "--weights-from results/tiny/runs/cascade/seed7 " in train["evaluated"]
    assert "--weights-from" not in train["cascade"]


def test_the_command_of_a_report_plans_the_same_runs_elsewhere(project: Project, tmp_path: Path) -> None:
    """With ablations, seeds, assignments and a sweep; in a clone that has nothing yet."""
    selection = [
        "benchmarks=[tiny]",
        "ablations=[cascade,seed_only]",
        "seeds=[0]",
        "set=[train.steps=2,train.flip=false]",
        "sweep={model.embedding_dim: [16, 32]}",
    ]
    run = project.snakemake("-n", config=selection)
    folder = "results/tiny+train.flip=false+train.steps=2"
    assert jobs(run) == Counter(train=6, evaluate=6, operators=1, networks=1) + TABLES
    words = {key: yaml.safe_load(value) for key, value in (word.split("=", 1) for word in selection)}
    (part,) = plan(Catalogue(project.root), words).benchmarks.values()
    command = read_plan(part.write(Catalogue(project.root)).parent).command
    for part in PARTS:
        source = project.root / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    python, *words = [sys.executable, "-m", *shlex.split(command)]
    again = subprocess.run(
        [python, *words, "-n", *JOB_BY_JOB], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert jobs(again) == jobs(run) + Counter(data=1)
    for variant in ("cascade@embedding_dim=16", "seed_only@embedding_dim=32"):
        assert f"{folder}/runs/{variant}/seed0/scores.csv" in again.stdout
    shutil.rmtree(project.root / folder)


def test_selection_of_what_is_there_re_runs_nothing(project: Project) -> None:
    assert project.planned("seeds=[0,1]", "set=[train.steps=6]") == Counter()


def test_what_is_not_timed_needs_no_tables_of_timing(project: Project) -> None:
    untimed = "title: T\nablations: [cascade]\ntrain: {steps: 1}\nseeds: [0]\ntiming: false\n"
    with project.files({"workflow/benchmarks/untimed.yaml": untimed}):
        planned = jobs(project.snakemake("-n", config=["benchmarks=[untimed]"]))
        timed = jobs(project.snakemake("-n", config=["benchmarks=[untimed]", "timing=true"]))
    assert planned == Counter(data=1, train=1, evaluate=1, analysis=1, gallery=1, report=1, all=1)
    assert timed == planned + Counter(operators=1, networks=1, timing=1)
    assert project.planned("timing=false") == Counter(analysis=1, report=1, all=1)


def test_sweep_within_limits(project: Project) -> None:
    swept = """
title: T
ablations: [cascade, seed_only]
sweep: {model.embedding_dim: [16, 32]}
seeds: [0]
limits: {runs: 5}
"""
    with project.files({"workflow/benchmarks/swept.yaml": swept}):
        run = project.snakemake("-n", *JOB_BY_JOB, config=["benchmarks=[swept]"])
    assert jobs(run) == Counter(data=1, train=5, evaluate=5, operators=1, networks=1) + TABLES
    assert "swept/runs/cascade@embedding_dim=16/seed0/scores.csv" in run.stdout
    left_out = [line for line in run.stderr.splitlines() if line.startswith("difnet: ")]
    assert left_out == ["difnet: swept: its limits leave out 1 of 6 variants: seed_only@embedding_dim=32"]
