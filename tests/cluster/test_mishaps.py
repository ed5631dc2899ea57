"""What goes wrong on a cluster ends in one line, and the same command continues."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from difnet.config import plan
from tests.cluster.conftest import LONG, LONG_RUN, ClusterProject, finish, wait_for_checkpoint
from tests.cluster.slurm import Slurm
from tests.conftest import CATALOGUE

RUN = "results/tiny/runs/seed_only/seed0"
CONFIG = ["--config", "benchmarks=[tiny]", "ablations=[cascade,seed_only]", "seeds=[0]"]
LONG_CONFIG = ["--config", "benchmarks=[tiny]", f"set=[{','.join(LONG)}]"]


def lines(project: ClusterProject, part: str) -> list[str]:
    """What the workflow has said of failed jobs, and holds these words."""
    said = [line for line in project.said.splitlines() if line.startswith("difnet: ") and " failed: " in line]
    assert said, project.said
    return [line for line in said if part in line]


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A file system of its own, in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", *options, "toy", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("slurm_partition: low", "slurm_partition: lwo", "invalid partition"),
        pytest.param(
            "gpu_model: toy",
            "gpu_model: a100",
            "requested node configuration is not available",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["partition", "GPUs"],
)
def test_what_the_cluster_does_not_have(
    right: str,
    wrong: str,
    said: str,
    *,
    slurm: Slurm,
    copy: Callable[[str], ClusterProject],
) -> None:
    """A partition, or GPUs of a model."""
    project = copy("project")
    profile = project.root / "profiles" / "slurm" / "config.v9+.yaml"
    text = profile.read_text()
    assert text.count(right) == 1
    profile.write_text(text.replace(right, wrong))
    workflow = project.start(f"{RUN}/weights.safetensors", "--retries", "0", *CONFIG)
    assert workflow.wait(timeout=120) == 1
    (line,) = lines(project, "train seed_only seed 0 failed: ")
    assert said in line.lower()

    profile.write_text(text)
    finish(project.start(f"{RUN}/weights.safetensors", *CONFIG), project)


@pytest.mark.slow
def test_a_time_that_is_too_short(slurm: Slurm, copy: Callable[[str], ClusterProject]) -> None:
    """Slurm ends the training after a minute; the next attempt has two and continues."""
    project = copy("project")
    requests = project.root / "difnet" / "timing" / "requests.py"
    text = requests.read_text()
    for before, after in (
        ("START_MINUTES = 20", "START_MINUTES = 1"),
        ("TIME_FACTOR = 2.0", "TIME_FACTOR = 0"),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    requests.write_text(text)
    longer = ["train.steps=10000", *LONG[1:]]  # two minutes at least
    (folder,) = plan(CATALOGUE, {"benchmarks": ["tiny"], "set": longer}).benchmarks
    target = f"results/{folder}/runs/seed_only/seed0/weights.safetensors"
    finish(project.start(target, *LONG_CONFIG[:2], f"set=[{','.join(longer)}]"), project)
    assert lines(project, "DUE TO TIME LIMIT")


@pytest.mark.slow
def test_a_node_that_dies(slurm: Slurm, copy: Callable[[str], ClusterProject]) -> None:
    """Its jobs start again once there is a node, and the training continues."""
    project = copy("project")
    workflow = project.start(f"{LONG_RUN}/weights.safetensors", *LONG_CONFIG)
    wait_for_checkpoint(slurm, workflow, project)
    slurm.end("slurmd", signal.SIGKILL)
    slurm.wait(lambda: slurm.jobs("%T") == [["PENDING"]], seconds=120)
    slurm.start_node()
    finish(workflow, project)


@pytest.mark.slow
def test_a_disk_that_is_full(slurm: Slurm, copy: Callable[[str], ClusterProject]) -> None:
    project = copy("project")
    with mounted(project.root / "results", "-o", "size=6m"):
        workflow = project.start(f"{LONG_RUN}/weights.safetensors", "--retries", "0", *LONG_CONFIG)
        assert workflow.wait(timeout=300) == 1
        (line,) = lines(project, "train seed_only seed 0 failed: ")
        assert "No space left on device; free space" in line
        subprocess.run(["mount", "-o", "remount,size=1g", project.root / "results"], check=True)
        finish(project.start(f"{LONG_RUN}/weights.safetensors", *LONG_CONFIG), project)


@pytest.mark.slow
def test_results_that_the_nodes_do_not_share(slurm: Slurm, copy: Callable[[str], ClusterProject]) -> None:
    project = copy("project")
    results = project.root / "results"
    results.mkdir()
    slurm.end("slurmd")
    slurm.start_node("unshare", "--mount", "sh", "-c", f'mount -t tmpfs toy {results}; exec "$@"', "sh")
    try:
        workflow = project.start(f"{RUN}/weights.safetensors", "--retries", "0", *CONFIG)
        assert workflow.wait(timeout=120) == 1
        (line,) = lines(project, "put the project on a file system that all nodes share")
        assert slurm.host in line
    finally:
        slurm.end("slurmd")
        slurm.start_node()
    finish(project.start(f"{RUN}/weights.safetensors", *CONFIG), project)
