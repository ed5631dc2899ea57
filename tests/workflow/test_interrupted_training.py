"""Snakemake continues trainings that were killed, to the same weights."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from difnet.config import plan
from tests.conftest import CATALOGUE, PROJECT
from tests.workflow.conftest import PARTS

KILLS = 5
SETTINGS = ["train.steps=600", "train.batch_size=1", "train.checkpoint_every=5"]
FOLDER = plan(CATALOGUE, {"benchmarks": ["tiny"], "set": SETTINGS}).benchmarks.popitem()[0]
RUN = f"results/{FOLDER}/runs/seed_only/seed0"
COMMAND = [sys.executable, "-m", "snakemake", "--cores", "1", f"{RUN}/weights.safetensors", "--config"]


def start(root: Path) -> subprocess.Popen[str]:
    config = ["benchmarks=[tiny]", f"set=[{','.join(SETTINGS)}]"]
    return subprocess.Popen([*COMMAND, *config], cwd=root, stderr=subprocess.PIPE, text=True)


def training(snakemake: subprocess.Popen[str]) -> psutil.Process | None:
    """The process that trains, once there is one."""
    for process in psutil.Process(snakemake.pid).children(recursive=True):
        words = process.cmdline()
        if "train" in words and "python" in words[0]:
            return process
    return None


@pytest.mark.slow
def test_killed_trainings_continue(tmp_path: Path) -> None:
    """Killed with SIGKILL; then Snakemake itself, with all that it started."""
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    checkpoint = tmp_path / RUN / "checkpoint.pt"
    steps: list[int] = []
    for kill in range(KILLS):
        snakemake = start(tmp_path)
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
            assert snakemake.poll() is None, snakemake.communicate()[1]
            time.sleep(0.02)
        process = training(snakemake)
        assert process is not None
        if kill == KILLS - 1:
            for each in [snakemake, *psutil.Process(snakemake.pid).children(recursive=True)]:
                each.send_signal(signal.SIGKILL)
            snakemake.communicate()
            unlock = [*COMMAND, "benchmarks=[tiny]", f"set=[{','.join(SETTINGS)}]", "--unlock"]
            subprocess.run(unlock, cwd=tmp_path, check=True, capture_output=True)
        else:
            process.send_signal(signal.SIGKILL)
            assert snakemake.communicate()[1] and snakemake.returncode == 1
        assert not (tmp_path / RUN / "weights.safetensors").exists()
        steps.append(torch.load(checkpoint, weights_only=True)["step"])
    finished = start(tmp_path)
    errors = finished.communicate()[1]
    assert finished.returncode == 0, errors
    assert steps == sorted(set(steps)), "each start went on where the one before was killed"
    undisturbed = tmp_path / "undisturbed"
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    where = ["--benchmark", "tiny", "--ablation", "seed_only", "--seed", "0", "--out", str(undisturbed)]
    train = [sys.executable, "-m", "difnet", "train", *where, "--data", str(tmp_path / "data"), *settings]
    subprocess.run(train, cwd=tmp_path, check=True, capture_output=True)
    hashes = [
        hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
        for folder in (tmp_path / RUN, undisturbed)
    ]
    assert hashes[0] == hashes[1]
