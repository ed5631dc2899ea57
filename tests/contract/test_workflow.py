"""The whole catalogue in a real run of the workflow."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from difnet.config import Project as Catalogue
from tests.conftest import PROJECT
from tests.workflow.conftest import PARTS, Project


@pytest.mark.slow
def test_every_ablation_runs_and_is_in_the_report(tmp_path: Path) -> None:
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    done = Project(tmp_path).snakemake(config=["benchmarks=[tiny]", "ablations=['*']", "seeds=[0]"])
    assert done.returncode == 0, done.stdout + done.stderr
    names = Catalogue(tmp_path).ablation_names
    scores = pd.read_csv(tmp_path / "results" / "tiny" / "scores.csv")
    assert sorted(scores["variant"].unique()) == names
    report = (tmp_path / "results" / "report.html").read_text()
    for name in names:
        assert Catalogue(tmp_path).ablation(name).title.partition("'")[0] in report
