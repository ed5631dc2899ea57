"""Two processes on two GPUs: NCCL, SyncBatchNorm, and their end, which is silent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from difnet.data import prepare
from tests.conftest import CATALOGUE, PROJECT
from tests.training.conftest import Trainer

pytestmark = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
SETTINGS = ("train.precision=fp32", "train.batch_size=4", "train.steps=6", "train.checkpoint_every=2")


def difnet(out: Path, data: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    """Train in two processes."""
    settings = [word for setting in (*SETTINGS, *overrides) for word in ("--set", setting)]
    where = ["--benchmark", "tiny", "--ablation", "cascade", "--seed", "0", "--data", str(data)]
    command = [sys.executable, "-m", "difnet", "train", *where, "--out", str(out), "--processes", "2"]
    return subprocess.run(
        [*command, *settings], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=240
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    prepare(CATALOGUE.benchmark("tiny").data, tmp_path / "data")
    return tmp_path / "data"


def test_two_gpus_have_the_losses_of_one(data: Path, tmp_path: Path) -> None:
    Trainer(data)(tmp_path / "one", *SETTINGS, ablation="cascade")
    done = difnet(tmp_path / "two", data)
    assert done.returncode == 0, done.stderr
    one, two = (pd.read_csv(tmp_path / name / "history.csv")["loss"].tolist() for name in ("one", "two"))
    assert two == pytest.approx(one, rel=1e-3)
    assert json.loads((tmp_path / "two" / "environment.json").read_text())["processes"] == 2
    assert "destroy_process_group" not in done.stderr


def test_a_failure_is_one_line_and_no_warning_of_nccl(data: Path, tmp_path: Path) -> None:
    failed = difnet(tmp_path / "run", data, "train.learning_rate=1e30")
    assert failed.returncode == 1
    assert failed.stderr.count("difnet: ") == 1 and "destroy_process_group" not in failed.stderr
