"""The workflow on a real Slurm: the same bits as on this machine, whatever befalls its jobs."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations

import torch

from difnet.config import plan
from tests.cluster.conftest import ClusterProject
from tests.cluster.slurm import Slurm
from tests.conftest import CATALOGUE

CONFIG = ["benchmarks=[tiny]", "ablations=[cascade,seed_only]"]
RUNS = [f"results/tiny/runs/{variant}/seed{seed}" for variant in ("cascade", "seed_only") for seed in (0, 1)]
RESULTS = ("weights.safetensors", "scores.csv", "per_image.parquet")

LONG = ["train.steps=1000", "train.batch_size=1", "train.checkpoint_every=10"]
FOLDER = plan(CATALOGUE, {"benchmarks": ["tiny"], "set": LONG}).benchmarks.popitem()[0]
LONG_RUN = f"results/{FOLDER}/runs/seed_only/seed0"
PROCESS_MB = "PROCESS_MB, GPU_PROCESS_MB = 1500, 6000"


def finish(workflow: subprocess.Popen[str], project: ClusterProject) -> None:
    assert workflow.wait(timeout=600) == 0, project.said


def wait_for_checkpoint(slurm: Slurm, workflow: subprocess.Popen[str], project: ClusterProject) -> int:
    """Wait until the training has written one more, and say after which step."""
    checkpoint = project.root / LONG_RUN / "checkpoint.pt"
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    def there() -> bool:
        assert workflow.poll() is None, project.said
        return checkpoint.exists() and checkpoint.stat().st_mtime_ns != before

    slurm.wait(there, seconds=180)
    return int(torch.load(checkpoint, weights_only=True)["step"])


def test_results_are_those_of_this_machine(slurm: Slurm, copy: Callable[[str], ClusterProject]) -> None:
    """To the bit; and no GPU has two jobs at a time."""
    there, here = copy("there"), copy("here")
    before = len(slurm.uses())
    finish(there.start("--config", *CONFIG), there)
    files = [f"{run}/{name}" for run in RUNS for name in RESULTS]
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *files, "--config", *CONFIG]
    subprocess.run(command, cwd=here.root, check=True, capture_output=True)
    assert [
        name for name in files if (there.root / name).read_bytes() != (here.root / name).read_bytes()
    ] == []
    assert (there.root / "results" / "report.html").is_file()

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

    slurm.wait(lambda: "exceeded memory limit" in project.said, seconds=180)
    wait_for_checkpoint(slurm, workflow, project)
    memory = slurm.jobs("%i", "%m")
    assert len(memory) == 1 and int(memory[0][1].removesuffix("M")) > 600, "more than what was too little"

    urgent = ["sbatch", "--parsable", "-p", "high", "-c", "4", "--mem", "100", "-o", "/dev/null", "--wrap"]
    subprocess.run([*urgent, "sleep 1"], check=True, capture_output=True)
    slurm.wait(lambda: ["RUNNING", "high"] in slurm.jobs("%T", "%P"))
    step = wait_for_checkpoint(slurm, workflow, project)

    (job,) = slurm.jobs()
    subprocess.run(["scancel", *job], check=True)
    slurm.wait(lambda: "CANCELLED" in project.said)
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
