"""Snakemake continues trainings that were killed, to the same weights."""

from __future__ import annotations

import hashlib
import os
import re
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


def start(root: Path, *, start_new_session: bool = False) -> subprocess.Popen[str]:
    config = ["benchmarks=[tiny]", f"set=[{','.join(SETTINGS)}]"]
    return subprocess.Popen(
        [*COMMAND, *config], cwd=root, stderr=subprocess.PIPE, text=True, start_new_session=start_new_session
    )


def training(snakemake: subprocess.Popen[str]) -> psutil.Process | None:
    """The process that trains, once there is one."""
    for process in psutil.Process(snakemake.pid).children(recursive=True):
        words = process.cmdline()
        if "train" in words and "python" in words[0]:
            return process
    return None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the project."""
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    return tmp_path


def wait_for_checkpoint(snakemake: subprocess.Popen[str], checkpoint: Path) -> None:
    """Wait until the training has written one."""
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
    while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
        assert snakemake.poll() is None, snakemake.communicate()[1]
        time.sleep(0.02)


def finish(root: Path) -> None:
    """Start once more, in a folder that a kill left locked, and compare with an undisturbed run."""
    unlock = [*COMMAND, "benchmarks=[tiny]", f"set=[{','.join(SETTINGS)}]", "--unlock"]
    subprocess.run(unlock, cwd=root, check=True, capture_output=True)
    finished = start(root)
    errors = finished.communicate()[1]
    assert finished.returncode == 0, errors
    undisturbed = root / "undisturbed"
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    where = ["--benchmark", "tiny", "--ablation", "seed_only", "--seed", "0", "--out", str(undisturbed)]
    train = [sys.executable, "-m", "difnet", "train", *where, "--data", str(root / "data"), *settings]
    subprocess.run(train, cwd=root, check=True, capture_output=True)
    hashes = [
        hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
        for folder in (root / RUN, undisturbed)
    ]
    assert hashes[0] == hashes[1]


@pytest.mark.slow
def test_killed_trainings_continue(root: Path) -> None:
    """Killed with SIGKILL; then Snakemake itself, with all that it started."""
    checkpoint = root / RUN / "checkpoint.pt"
    steps: list[int] = []
    for kill in range(KILLS):
        snakemake = start(root)
        wait_for_checkpoint(snakemake, checkpoint)
        process = training(snakemake)
        assert process is not None
        if kill == KILLS - 1:
            for each in [snakemake, *psutil.Process(snakemake.pid).children(recursive=True)]:
                each.send_signal(signal.SIGKILL)
            snakemake.communicate()
        else:
            process.send_signal(signal.SIGKILL)
            assert snakemake.communicate()[1] and snakemake.returncode == 1
        assert not (root / RUN / "weights.safetensors").exists()
        steps.append(torch.load(checkpoint, weights_only=True)["step"])
    assert steps == sorted(set(steps)), "each start went on where the one before was killed"
    finish(root)


@pytest.mark.slow
def test_a_training_whose_snakemake_is_killed_ends(root: Path) -> None:
    """At its next step, with a checkpoint: else the next start would meet it in the same folder."""
    snakemake = start(root)
    wait_for_checkpoint(snakemake, root / RUN / "checkpoint.pt")
    orphan = training(snakemake)
    assert orphan is not None
    snakemake.kill()
    orphan.wait(timeout=30)
    snakemake.wait()
    assert not (root / RUN / "weights.safetensors").exists()
    log = root / "results" / FOLDER / "logs" / "train" / "seed_only" / "seed0.log"
    assert "its workflow ended" in log.read_text()
    finish(root)


@pytest.mark.slow
def test_an_interrupted_training_continues(root: Path) -> None:
    """Ctrl-C in a terminal reaches Snakemake, its shell and the training: the step is saved and told."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background test-suite may ignore it
    snakemake = start(root, start_new_session=True)
    signal.signal(signal.SIGINT, former)
    checkpoint = root / RUN / "checkpoint.pt"
    wait_for_checkpoint(snakemake, checkpoint)
    os.killpg(snakemake.pid, signal.SIGINT)
    errors = snakemake.communicate(timeout=60)[1]
    assert snakemake.returncode != 0
    assert not (root / RUN / "weights.safetensors").exists()
    log = (root / "results" / FOLDER / "logs" / "train" / "seed_only" / "seed0.log").read_text()
    last = log.splitlines()[-1]
    assert re.search(
        r"Ctrl-C after step \d+ of 600; the same command continues from the last checkpoint", last
    )
    step = torch.load(checkpoint, weights_only=True)["step"]
    assert f"after step {step} of 600" in last
    assert "empty file" not in errors
    finish(root)
