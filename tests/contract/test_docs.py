"""docs/adding-an-ablation.md, followed literally in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.workflow.conftest import PARTS, jobs

PAGE = (PROJECT / "docs" / "adding-an-ablation.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {
    text.partition("\n")[0].removeprefix("# "): text.partition("\n")[2]
    for kind, text in BLOCKS
    if kind != "sh"
}
LONGEST = {".yaml": 10, ".py": 25, ".smk": 15}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    (tmp_path / "results").mkdir()
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": path},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done


def follow(folder: Path, *, dry: bool) -> None:
    """Do what the page says: run its commands; write its files, or find them as a command wrote them."""
    for kind, text in BLOCKS:
        if kind == "sh":
            for command in text.splitlines():
                done = run(
                    command.replace("snakemake --cores", "snakemake -n --cores") if dry else command, folder
                )
                if command.startswith("difnet list"):
                    assert "restart_half" in done.stdout
            continue
        name, _, content = text.partition("\n")
        path = folder / name.removeprefix("# ")
        if path.exists():
            assert path.read_text() == content
        else:
            path.write_text(content)


def test_files_are_short() -> None:
    assert sorted(Path(name).suffix for name in FILES) == sorted(LONGEST)
    for name, text in FILES.items():
        assert len(text.splitlines()) <= LONGEST[Path(name).suffix]


def test_every_command_is_accepted_and_plans_the_new_jobs_alone(copy: Path) -> None:
    follow(copy, dry=True)
    planned = "snakemake -n --cores all --config benchmarks=[tiny] seeds=[0]"
    reference = jobs(run(f"{planned} ablations=[cascade]", copy))
    added = jobs(run(f"{planned} ablations=[restart_half,mean_walk,miou_table]", copy))
    assert added - reference == {"train": 2, "evaluate": 2, "miou_table_section": 1}
    assert not reference - added


@pytest.mark.slow
def test_the_page_to_its_end(copy: Path) -> None:
    follow(copy, dry=False)
    report = (copy / "results" / "report.html").read_text()
    assert "Restart weight fixed at 0.5" in report
    assert "Mean IoU of every variant" in report
    runs = copy / "results" / "tiny" / "runs"
    assert sorted(run.name for run in runs.glob("*")) == ["cascade", "mean_walk", "restart_half"]
    assert (runs / "mean_walk" / "seed0" / "scores.csv").is_file()
    table = report.partition('id="tiny-table-miou_table-miou"')[2].partition("</tbody>")[0]
    means = re.findall(r'data-value="(0\.\d{7,})">(\S+?)<', table)
    assert means and all(len(shown) <= 7 for _, shown in means)
