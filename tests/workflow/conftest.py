"""A copy of the project with a finished run of `tiny`, in which one ablation brings a diffusion rule and a
workflow rule of its own. Tests leave it finished, so each may run alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PARTS = ["Snakefile", "workflow", "ablations", "profiles", "difnet", "pyproject.toml"]
VARIANTS = ["cascade", "mean_walk", "pixel_prior", "seed_only"]
SEEDS = (0, 1)
RUNS = len(VARIANTS) * len(SEEDS)

TABLES = Counter(timing=1, analysis=1, gallery=1, report=1, all=1)
"""Jobs that a change of any variant's training brings along: the tables and the report of all variants."""
NEW_VARIANT = Counter(train=2, evaluate=2, networks=1) + TABLES

SELECTION = "ablations: [cascade, pixel_prior, seed_only, own]\n"
YAML = "title: Mean walk\nquestion: Q\nextends: cascade\ntags: [own]\nmodel: {diffusion: mean_walk}\n"
DIFFUSION = """
import torch
from torch import Tensor, nn

from difnet.config import ModelConfig
from difnet.diffusion import random_walk


class MeanWalk(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()

    def forward(self, levels: list[Tensor], seeds: Tensor) -> Tensor:
        return torch.stack([random_walk(level, seeds) for level in levels]).mean(dim=0)
"""
RULES = """
rule last_losses:
    input:
        lambda wildcards: run_files("history.csv", benchmarks=[wildcards.benchmark], variants=["mean_walk"]),
    output:
        section("mean_walk", "losses.csv", "caption.md"),
    shell:
        "echo loss > {output[0]}; tail -qn 1 {input} | cut -d, -f2 >> {output[0]};"
        " echo '# Losses of the mean walk' > {output[1]}"
"""


class Project:
    """A copy of the project."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.first_said = ""
        """What its first run has said."""

    def snakemake(
        self, *arguments: str, config: Sequence[str] = ("benchmarks=[tiny]",)
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments, "--config", *config]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)

    def planned(self, *config: str) -> Counter[str]:
        """Number of jobs that a dry run plans, by rule."""
        return jobs(self.snakemake("-n", config=("benchmarks=[tiny]", *config)))

    def run(self, *arguments: str, config: Sequence[str] = ("benchmarks=[tiny]",)) -> str:
        """What a start of the workflow that succeeds says."""
        done = self.snakemake(*arguments, config=config)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def contents(self, folder: str) -> dict[str, bytes]:
        """Every file of a folder, by its path in it."""
        paths = [path for path in (self.root / folder).rglob("*") if path.is_file()]
        return {path.relative_to(self.root / folder).as_posix(): path.read_bytes() for path in paths}

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    @contextmanager
    def files(self, texts: Mapping[str, str]) -> Iterator[None]:
        """New or changed files for a while, by path; afterwards as before, with their former times."""
        paths = {self.root / name: text for name, text in texts.items()}
        former = {path: (path.read_text(), path.stat().st_mtime_ns) for path in paths if path.exists()}
        for path, text in paths.items():
            path.write_text(text)
        try:
            yield
        finally:
            for path in paths:
                path.unlink()
            for path, (text, time) in former.items():
                path.write_text(text)
                os.utime(path, ns=(time, time))


def jobs(dry_run: subprocess.CompletedProcess[str]) -> Counter[str]:
    """The table of jobs that a dry run prints; it prints none where nothing is to be done."""
    assert dry_run.returncode == 0, dry_run.stderr
    table = dry_run.stdout.partition("Job stats:")[2].partition("\n\n")[0]
    rows = re.findall(r"^(\w+)\s+(\d+)$", table, re.MULTILINE)
    return Counter({rule: int(count) for rule, count in rows if rule != "total"})


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / part)
    for suffix, text in (("yaml", YAML), ("py", DIFFUSION), ("smk", RULES)):
        (root / "ablations" / f"mean_walk.{suffix}").write_text(text)
    with (root / "workflow" / "benchmarks" / "tiny.yaml").open("a") as benchmark:
        benchmark.write(SELECTION)
    project = Project(root)
    project.first_said = project.run()
    return project
