"""What `pip install` gives: a wheel that, in a bare environment outside the checkout, lays out a project."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.conftest import PROJECT

SMALL = ["ablations=[my_first]", "seeds=[0]", "timing=false"]


@pytest.fixture(scope="module")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment with the wheel, and the dependencies of this one beside it."""
    root = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(root)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = root.glob("*.whl")
    venv.create(root / "venv", with_pip=True)
    (site,) = (root / "venv").glob("lib/python*/site-packages")
    # The folder that a .pth names is searched; .pth files in it, such as that of the checkout, are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = root / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return python.parent


def run(binaries: Path, folder: Path, *command: str) -> str:
    """What a command prints; it must end well."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(binaries / "python"), "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=outside | {"PATH": f"{binaries}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_project_of_its_own(binaries: Path, tmp_path: Path) -> None:
    assert "deeplab" in run(binaries, tmp_path, "difnet", "list")
    assert "next: cd study && snakemake --cores all" in run(binaries, tmp_path, "difnet", "init", "study")
    study = tmp_path / "study"
    run(binaries, study, "snakemake", "--cores", "2", "--config", "benchmarks=[tiny]", *SMALL)
    page = (study / "results" / "report.html").read_text()
    assert "Restart weight fixed at 0.5" in page
    assert {path.name for path in (study / "results" / "tiny" / "runs").iterdir()} == {"my_first", "cascade"}
    where = run(binaries, study, "difnet", "status", "results/tiny")
    assert "2 of 2 runs finished" in where
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


@pytest.mark.slow
def test_the_whole_benchmark(binaries: Path, tmp_path: Path) -> None:
    run(binaries, tmp_path, "difnet", "init", "x")
    run(binaries, tmp_path / "x", "snakemake", "--cores", "all", "--config", "benchmarks=[tiny]")
    assert (tmp_path / "x" / "results" / "report.html").stat().st_size > 100_000
