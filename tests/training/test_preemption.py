"""Ctrl-C, SIGTERM and SIGUSR1: the step is finished, the checkpoint written, the same command continues."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from difnet.config import PreemptedError
from difnet.machine import signals
from tests.training.conftest import STEPS, Trainer, same

Happen = Callable[[int, Callable[[], object]], None]


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Ctrl-C is heard, also by a test-suite in the background, whose shell has it ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_the_step_is_finished_and_saved(
    number: signal.Signals,
    workers: int,
    *,
    tmp_path: Path,
    undisturbed: Path,
    train: Trainer,
    before_step: Happen,
) -> None:
    settings = ("train.checkpoint_every=100", f"train.workers={workers}")
    former = signal.getsignal(number)
    asked = "Ctrl-C" if number == signal.SIGINT else number.name
    before_step(2, lambda: os.kill(os.getpid(), number))
    with pytest.raises(PreemptedError, match=f"{asked} after step 3 of {STEPS}; the same command cont"):
        train(tmp_path, *settings)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 3
    assert not (tmp_path / "weights.safetensors").exists()
    assert signal.getsignal(number) == former
    assert same(train(tmp_path, *settings), load_file(undisturbed / "weights.safetensors"))


def test_a_second_interrupt_ends_it_at_once(tmp_path: Path, train: Trainer, before_step: Happen) -> None:
    def impatient() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    before_step(2, impatient)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, "train.checkpoint_every=100")
    assert not (tmp_path / "checkpoint.pt").exists()
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_in_the_last_step_the_run_ends_as_usual(tmp_path: Path, train: Trainer, before_step: Happen) -> None:
    before_step(STEPS - 1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    train(tmp_path)


def test_a_job_whose_workflow_is_gone_stops(
    tmp_path: Path, train: Trainer, before_step: Happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would end after the next start of the workflow, in the same folder."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as workflow:
        monkeypatch.setenv(signals.WORKFLOW, str(workflow.pid))
        before_step(2, workflow.kill)
        with pytest.raises(PreemptedError, match="its workflow ended after step 3 of 6; the same command"):
            train(tmp_path)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 3


def test_a_step_without_end_is_left(
    tmp_path: Path, train: Trainer, before_step: Happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "GRACE_S", 1)

    def endless() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while True:
            time.sleep(0.01)

    before_step(2, endless)
    with pytest.raises(PreemptedError, match="the step did not end within 1 s; the same command continues"):
        train(tmp_path)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 2
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")])
def test_exit_code_and_line_of_a_whole_process_group(
    number: signal.Signals, name: str, tmp_path: Path
) -> None:
    """Batch systems signal every process of a job; a thread that makes batches ends with it."""
    settings = ["train.steps=100000", "train.checkpoint_every=3", "train.batch_size=2", "train.workers=2"]
    where = ["--benchmark", "tiny", "--ablation", "seed_only", "--seed", "0", "--out", str(tmp_path / "run")]
    options = [word for setting in settings for word in ("--set", setting)]
    process = subprocess.Popen(
        [sys.executable, "-m", "difnet", "train", *where, "--data", str(tmp_path / "data"), *options],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (tmp_path / "run" / "checkpoint.pt").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75
    *_, line = errors.splitlines()
    assert line.startswith(f"difnet: {tmp_path}/run: {name} after step ")
