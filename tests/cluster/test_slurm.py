"""The workflow on a real Slurm: the same bits as on this machine, whatever befalls its jobs."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations

import pytest

from tests.cluster.conftest import (
    CONFIG,
    LONG,
    LONG_RUN,
    ClusterProject,
    bits,
    finish,
    wait_for_checkpoint,
    wait_for_words,
)
from tests.cluster.slurm import Slurm

PROCESS_MB = "PROCESS_MB, GPU_PROCESS_MB = 1500, 6000"


def test_results_are_those_of_this_machine(
    slurm: Slurm, copy: Callable[[str], ClusterProject], local_bits: dict[str, bytes]
) -> None:
    """To the bit; and no GPU has two jobs at a time."""
    project = copy("project")
    before = len(slurm.uses())
    finish(project.start("--config", *CONFIG), project)
    assert bits(project.root) == local_bits
    assert (project.root / "results" / "report.html").is_file()

    uses = [use for use in slurm.uses()[before:] if use.gpus]
    shared = [
        (first, second)
        for first, second in combinations(uses, 2)
        if first.job != second.job
        and first.gpus & second.gpus
        and first.start < second.end
        and second.start < first.end
    ]
    assert shared == []
    together = [
        (first, second)
        for first, second in combinations(uses, 2)
        if first.job != second.job and first.start < second.end and second.start < first.end
    ]
    assert together, "two jobs ran side by side"
    # four trainings, all evaluations together, the gallery and two of the timing benchmark
    assert len({use.job for use in uses}) == 8


@pytest.mark.slow
def test_a_training_goes_on_whatever_befalls_its_job(
    slurm: Slurm, copy: Callable[[str], ClusterProject]
) -> None:
    """Killed for memory, preempted, cancelled, its controller restarted: the weights of a quiet training."""
    project = copy("project")
    requests = project.root / "difnet" / "timing" / "requests.py"
    text = requests.read_text()
    assert text.count(PROCESS_MB) == 1
    requests.write_text(text.replace(PROCESS_MB, "PROCESS_MB, GPU_PROCESS_MB = 1500, 600"))
    config = ["--config", "benchmarks=[tiny]", f"set=[{','.join(LONG)}]"]
    workflow = project.start(f"{LONG_RUN}/weights.safetensors", *config)

    wait_for_words(slurm, workflow, project, "exceeded memory limit")
    wait_for_checkpoint(slurm, workflow, project)
    memory = slurm.jobs("%i", "%m")
    assert len(memory) == 1 and int(memory[0][1].removesuffix("M")) > 600, "more than what was too little"

    urgent = ["sbatch", "--parsable", "-p", "high", "-c", "4", "--mem", "100", "-o", "/dev/null", "--wrap"]
    subprocess.run([*urgent, "sleep 1"], check=True, capture_output=True)
    slurm.wait(lambda: ["RUNNING", "high"] in slurm.jobs("%T", "%P"))
    step = wait_for_checkpoint(slurm, workflow, project)

    (job,) = slurm.jobs()
    subprocess.run(["scancel", *job], check=True)
    wait_for_words(slurm, workflow, project, "CANCELLED")
    assert wait_for_checkpoint(slurm, workflow, project) > step

    slurm.end("slurmctld", signal.SIGKILL)
    slurm.start_controller()
    finish(workflow, project)

    quiet = project.root / "quiet"
    settings = [word for setting in LONG[:2] for word in ("--set", setting)]
    train = [sys.executable, "-m", "difnet", "train", "--benchmark", "tiny", "--ablation", "seed_only"]
    train += ["--seed", "0", "--out", str(quiet), "--data", str(project.root / "data"), *settings]
    subprocess.run(train, cwd=project.root, check=True, capture_output=True)
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (project.root / LONG_RUN, quiet)]
    assert weights[0] == weights[1]
