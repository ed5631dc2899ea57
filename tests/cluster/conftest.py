"""A Slurm for all tests, copies of the project filled in for it, and what this machine alone computes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch

from difnet.config import plan
from tests.cluster.slurm import Slurm, missing
from tests.conftest import CATALOGUE, PROJECT
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


CONFIG = ["benchmarks=[tiny]", "ablations=[cascade,seed_only]"]
RUNS = [f"results/tiny/runs/{variant}/seed{seed}" for variant in ("cascade", "seed_only") for seed in (0, 1)]
RESULTS = ("weights.safetensors", "scores.csv", "per_image.parquet")

LONG = ["train.steps=1000", "train.batch_size=1", "train.checkpoint_every=10"]
FOLDER = plan(CATALOGUE, {"benchmarks": ["tiny"], "set": LONG}).benchmarks.popitem()[0]
LONG_RUN = f"results/{FOLDER}/runs/seed_only/seed0"


class ClusterProject:
    """A copy of the project that runs its jobs elsewhere."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def start(self, *arguments: str, profile: str = "slurm") -> subprocess.Popen[str]:
        """Start the workflow; what it says is in `said`."""
        command = [sys.executable, "-c", SNAKEMAKE, "--profile", f"profiles/{profile}", *arguments]
        with (self.root / "said").open("w") as said:
            return subprocess.Popen(command, cwd=self.root, stdout=said, stderr=subprocess.STDOUT, text=True)

    @property
    def said(self) -> str:
        """What the workflow has said so far."""
        return (self.root / "said").read_text()


def copy_project(root: Path) -> None:
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / part)


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


def finish(workflow: subprocess.Popen[str], project: ClusterProject) -> None:
    assert workflow.wait(timeout=600) == 0, project.said


def wait_for_words(
    slurm: Slurm, workflow: subprocess.Popen[str], project: ClusterProject, words: str
) -> None:
    """Wait until the workflow has said them."""

    def there() -> bool:
        assert workflow.poll() is None, project.said
        return words in project.said

    slurm.wait(there, seconds=180, said=lambda: project.said)


def wait_for_checkpoint(slurm: Slurm, workflow: subprocess.Popen[str], project: ClusterProject) -> int:
    """Wait until the training has written one more, and say after which step."""
    checkpoint = project.root / LONG_RUN / "checkpoint.pt"
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    def there() -> bool:
        assert workflow.poll() is None, project.said
        return checkpoint.exists() and checkpoint.stat().st_mtime_ns != before

    slurm.wait(there, seconds=180, said=lambda: project.said)
    return int(torch.load(checkpoint, weights_only=True)["step"])


def files(runs: Sequence[str] = RUNS) -> list[str]:
    """Weights, scores and statistics of every image."""
    return [f"{run}/{name}" for run in runs for name in RESULTS]


def bits(root: Path, runs: Sequence[str] = RUNS) -> dict[str, bytes]:
    """What they hold, by their paths."""
    return {file: (root / file).read_bytes() for file in files(runs)}


@pytest.fixture(scope="session")
def local_bits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Of the workflow on this machine alone."""
    root = tmp_path_factory.mktemp("local")
    copy_project(root)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *files(), "--config", *CONFIG]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return bits(root)


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], ClusterProject]:
    """Makes a copy of the project, with the profile as a user of this cluster fills it in."""

    def make(name: str) -> ClusterProject:
        root = tmp_path / name
        root.mkdir()
        copy_project(root)
        profile = root / "profiles" / "slurm" / "config.v9+.yaml"
        text = profile.read_text()
        for placeholder, value in FILLED_IN.items():
            assert text.count(placeholder) == 1
            text = text.replace(placeholder, value)
        profile.write_text(text)
        return ClusterProject(root)

    return make
