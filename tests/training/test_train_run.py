"""Real trainings as real processes: resume, identity, results."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load, load_file

from difnet.config import InputError, RunFolder
from difnet.training.loop import quarters

SETTINGS = ["train.steps=12", "train.checkpoint_every=2", "train.batch_size=2"]


def difnet(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "difnet", *map(str, arguments)], capture_output=True, text=True, check=check
    )


def train(out: Path, data: Path, *extra: str, ablation: str = "cascade", check: bool = True):
    return difnet(*arguments(out, data, ablation=ablation), *extra, check=check)


def arguments(out: Path, data: Path, *, ablation: str = "cascade") -> list[str]:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    where = ["--out", str(out), "--data", str(data)]
    return ["train", "--benchmark", "tiny", "--ablation", ablation, "--seed", "0", *where, *settings]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    out = tmp_path_factory.mktemp("run")
    train(out, data)
    return out


def test_files_of_a_run(finished: Path) -> None:
    history = pd.read_csv(finished / "history.csv")
    assert history["step"].tolist() == list(range(1, 13))
    assert history["learning_rate"].iloc[6] == pytest.approx(
        history["learning_rate"].iloc[0] * 0.5**0.9, rel=1e-4
    )
    environment = json.loads((finished / "environment.json").read_text())
    assert environment["parameters"] == sum(
        tensor.numel()
        for name, tensor in load_file(finished / "weights.safetensors").items()
        if "running_" not in name and "num_batches" not in name
    )
    assert "--ablation cascade" in environment["command"]
    checkpoint = torch.load(finished / "checkpoint.pt", weights_only=True)
    assert checkpoint["step"] == 12


def test_killed_training_continues_to_the_same_weights(finished: Path, tmp_path: Path, data: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "difnet", *arguments(tmp_path, data)], stderr=subprocess.DEVNULL
    )
    checkpoint = tmp_path / "checkpoint.pt"
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "weights.safetensors").exists()
    train(tmp_path, data)
    ours, theirs = load_file(tmp_path / "weights.safetensors"), load_file(finished / "weights.safetensors")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert len(pd.read_csv(tmp_path / "history.csv")) == 12
    assert RunFolder(tmp_path).steps_along == [3, 6, 9]
    for step in (3, 6, 9):
        assert RunFolder(tmp_path).weights(step) == RunFolder(finished).weights(step)


def test_weights_along_training_are_those_of_their_steps(finished: Path) -> None:
    folder = RunFolder(finished)
    contents = [load(folder.weights(step)) for step in (3, 6, 9, None)]
    batches = [int(tensors["seed_branch.resnet.bn1.num_batches_tracked"]) for tensors in contents]
    assert batches == [3, 6, 9, 12]


def test_changed_weights_along_training_are_one_line(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    file = RunFolder(tmp_path / "run").weights_file(6)
    file.write_bytes(RunFolder(finished).weights(3))
    with pytest.raises(InputError, match=r"along/step6.safetensors: is not what was trained"):
        RunFolder(tmp_path / "run").weights(6)


@pytest.mark.parametrize(("steps", "expected"), [(1, []), (3, []), (4, [1, 2, 3]), (10, [2, 5, 7])])
def test_quarters_of_a_training(steps: int, expected: list[int]) -> None:
    assert quarters(steps) == expected


def test_checkpoint_of_another_run_is_refused_unless_overwritten(
    finished: Path, tmp_path: Path, data: Path
) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    for name in ("checkpoint.pt", "config.yaml"):
        shutil.copy(finished / name, tmp_path)
    refused = train(tmp_path, data, ablation="seed_only", check=False)
    assert refused.returncode == 2
    assert "belongs to another run" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt", "config.yaml"]
    train(tmp_path, data, "--overwrite", ablation="seed_only")
    assert torch.load(checkpoint, weights_only=True)["step"] == 12


def test_damaged_checkpoint_is_one_line(tmp_path: Path, data: Path, finished: Path) -> None:
    shutil.copy(finished / "config.yaml", tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"not a checkpoint")
    refused = train(tmp_path, data, check=False)
    assert refused.returncode == 2
    assert "is damaged or not a checkpoint; choose another --out" in refused.stderr


@pytest.mark.parametrize("name", ["config.yaml", "history.csv", "checkpoint.pt", "along"])
def test_files_of_others_are_not_overwritten(name: str, tmp_path: Path, data: Path) -> None:
    (tmp_path / name).write_text("mine: 1\n")
    refused = train(tmp_path, data, "--overwrite", check=False)
    assert refused.returncode == 2
    assert f"{tmp_path}: holds {name} and is no run; choose another folder" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine: 1\n"


def test_pixel_prior_is_the_most_frequent_class(tmp_path: Path, data: Path) -> None:
    train(tmp_path, data, ablation="pixel_prior")
    counts = load_file(tmp_path / "weights.safetensors")["counts"]
    assert counts.shape == (7, 32, 32)
    assert counts.sum(dim=0).max() <= 16


def test_unwritable_folder_is_one_line(tmp_path: Path, data: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = train(tmp_path / "file" / "run", data, check=False)
    assert refused.returncode == 2
    assert "cannot be written" in refused.stderr
    assert "step" not in refused.stderr


def test_full_disk_is_one_line_and_leaves_no_half_file(small_disk: Path, data: Path) -> None:
    failed = train(small_disk / "run", data, check=False)
    assert failed.returncode == 2
    assert "checkpoint.pt: cannot be written: No space left on device" in failed.stderr
    assert sorted(path.name for path in (small_disk / "run").iterdir()) == ["ablation", "config.yaml"]


def test_loss_that_is_not_finite_stops_the_run(tmp_path: Path, data: Path) -> None:
    failed = train(tmp_path, data, "--set", "train.learning_rate=1e30", check=False)
    assert failed.returncode == 1
    assert "the loss is" in failed.stderr
    assert "lower train.learning_rate" in failed.stderr
    assert not (tmp_path / "weights.safetensors").exists()
