"""A Slurm for all tests, and copies of the project whose profile is filled in for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.slurm import Slurm, missing
from tests.conftest import PROJECT
from tests.workflow.conftest import PARTS

FILLED_IN = {
    "# slurm_partition: gpu": "slurm_partition: low",
    "# gpu_model: a100": "gpu_model: toy",
    "gpu: 4": "gpu: 2",
}
SNAKEMAKE = """
import sys, snakemake_executor_plugin_slurm as plugin
plugin.Executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, value: None)
from snakemake.cli import main
sys.argv[0] = "snakemake"
main()
"""
"""Looks at the jobs every second, where the plugin waits up to three minutes from one look to the next."""


class ClusterProject:
    """A copy of the project that runs its jobs by Slurm."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the workflow; what it says is in `said`."""
        command = [sys.executable, "-c", SNAKEMAKE, "--profile", "profiles/slurm", *arguments]
        with (self.root / "said").open("w") as said:
            return subprocess.Popen(command, cwd=self.root, stdout=said, stderr=subprocess.STDOUT, text=True)

    @property
    def said(self) -> str:
        """What the workflow has said so far."""
        return (self.root / "said").read_text()


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    if reason := missing():
        pytest.skip(reason)
    slurm = Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], ClusterProject]:
    """Makes a copy of the project, with the profile as a user of this cluster fills it in."""

    def make(name: str) -> ClusterProject:
        root = tmp_path / name
        root.mkdir()
        for part in PARTS:
            source = PROJECT / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, root / part)
        profile = root / "profiles" / "slurm" / "config.v9+.yaml"
        text = profile.read_text()
        for placeholder, value in FILLED_IN.items():
            assert text.count(placeholder) == 1
            text = text.replace(placeholder, value)
        profile.write_text(text)
        return ClusterProject(root)

    return make
