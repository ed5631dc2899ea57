"""A mistake is one line, exit code 2, before any job; in a file that is not selected it changes nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.conftest import PROJECT
from tests.workflow.conftest import DIFFUSION, RULES, YAML, Project, jobs

ANNOUNCEMENTS = ("Using workflow specific profile ", "Config file ")


def message(run: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr, beside those that Snakemake writes before it reads the Snakefile."""
    assert run.returncode == 2
    assert run.stdout == ""
    (line,) = [line for line in run.stderr.splitlines() if not line.startswith(ANNOUNCEMENTS)]
    return line


def test_unknown_benchmark(project: Project) -> None:
    failed = project.snakemake(config=["benchmarks=[tinny]"])
    assert message(failed) == "difnet: unknown benchmark 'tinny'; did you mean 'tiny'?"


def test_results_of_a_bucket_are_not_mixed_with_those_of_this_machine(project: Project) -> None:
    link = project.root / "results" / "shapes"
    link.symlink_to(project.root / ".snakemake" / "storage" / "s3" / "study" / "results" / "shapes")
    failed = project.snakemake(config=["benchmarks=[shapes]"])
    link.unlink()
    expected = f"difnet: {link}: leads to copies of a bucket; start with it, or delete the link"
    assert message(failed) == expected


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            RULES.replace("output:", "outptu:"),
            ":5: SyntaxError: Unexpected keyword outptu in rule definition",
        ),
        (RULES.replace("last_losses", "train"), ":2: CreateRuleException: The name train is already used"),
        (RULES.replace("section(", "secton("), ":6: NameError: name 'secton' is not defined"),
        (RULES.replace(".md", ".txt"), ":6: InputError: section file 'caption.txt'"),
        (RULES + "\nvalues = [1, 2\n", r":1[12]: TokenError: (unexpected )?EOF in multi-line statement"),
        (RULES + "\nvalue = 1 2\n", ":11: SyntaxError: invalid syntax"),
    ],
)
def test_broken_rules_of_a_selected_ablation(project: Project, text: str, mistake: str) -> None:
    with project.files({"ablations/mean_walk.smk": text}):
        failed = project.snakemake()
    assert re.match(f"difnet: ablations/mean_walk.smk{mistake}", message(failed))


def test_broken_diffusion_rule_of_a_selected_ablation(project: Project) -> None:
    with project.files({"ablations/mean_walk.py": DIFFUSION.replace("Tensor, nn", "Tensor, nnn")}):
        failed = project.snakemake()
    assert message(failed).startswith("difnet: ablations/mean_walk.py:3: ")


def test_broken_files_of_other_ablations_change_nothing(project: Project) -> None:
    broken = {
        "ablations/other.yaml": YAML.replace("mean_walk", "other").replace("[own]", "[unused]"),
        "ablations/other.py": "class",
        "ablations/other.smk": "rule train",
    }
    with project.files(broken):
        assert project.planned() == Counter()


def test_a_target_that_is_not_selected_is_named(project: Project) -> None:
    target = "results/tiny/runs/nothing/seed0/scores.csv"
    failed = project.snakemake("-n", target)
    assert failed.returncode == 1
    said = failed.stdout + failed.stderr
    assert "Traceback" not in said
    assert f"No rule to produce {target}" in said


@pytest.mark.parametrize("option", ["--unlock", "--summary", "--list-changes=code"])
def test_what_runs_nothing_needs_no_number_of_cores(project: Project, option: str) -> None:
    command = [sys.executable, "-m", "snakemake", option, "--config", "benchmarks=[tiny]"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_trainings_beyond_the_limit_are_asked_for(project: Project) -> None:
    """Before any job, in one line that says how to start them or to shorten them."""
    text = (PROJECT / "workflow" / "benchmarks" / "tiny.yaml").read_text()
    limited = text.replace("batch_size: 4", "batch_size: 4, crop: 33") + "limits: {gpu_hours: 1e-9}\n"
    config = ["benchmarks=[limited]", "ablations=[cascade]", "seeds=[0]"]
    with project.files({"workflow/benchmarks/limited.yaml": limited}):
        failed = project.snakemake(config=config)
        started = project.snakemake("-n", config=[*config, "yes=true"])
    assert failed.returncode == 2
    assert failed.stderr.splitlines()[-1].startswith("difnet: limited: 1 training takes about ")
    assert "limits.gpu_hours, 1e-09; say yes (--config yes=true" in failed.stderr
    assert not (project.root / "results" / "limited").exists()
    assert jobs(started)["train"] == 1
