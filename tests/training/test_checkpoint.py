"""What a training continues from, and what it refuses."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from difnet.config import InputError, RunFolder
from difnet.training.checkpoint import claim_directory, sealed
from tests.damaged import damaged
from tests.training.conftest import STEPS, Trainer, same

NEWEST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"


class Malicious:
    """Unpickled, it runs a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (self.command,)


@pytest.fixture
def interrupted(undisturbed: Path, tmp_path: Path) -> Path:
    """A run that ended before its weights were written: checkpoints of the last two steps."""
    for name in (NEWEST, PREVIOUS, "config.yaml"):
        shutil.copy(undisturbed / name, tmp_path / name)
    return tmp_path


def step_of(path: Path) -> int:
    return torch.load(path, weights_only=True)["step"]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_the_previous_one_is_kept(undisturbed: Path) -> None:
    assert (step_of(undisturbed / NEWEST), step_of(undisturbed / PREVIOUS)) == (STEPS, STEPS - 1)


@pytest.mark.parametrize(("damage", "state"), [(truncate, "is damaged"), (Path.unlink, "is missing")])
def test_a_damaged_or_missing_newest_falls_back(
    damage: Callable[[Path], None],
    state: str,
    *,
    interrupted: Path,
    undisturbed: Path,
    train: Trainer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(interrupted / NEWEST)
    assert same(train(interrupted), load_file(undisturbed / "weights.safetensors"))
    warning = f"difnet: {interrupted / NEWEST} {state}; continuing from {PREVIOUS}\n"
    assert warning in capsys.readouterr().err


def test_no_damage_is_resumed_from(undisturbed: Path, interrupted: Path) -> None:
    path = undisturbed / NEWEST
    identity = torch.load(path, weights_only=True)["identity"]
    for content in damaged(path.read_bytes()):
        (interrupted / NEWEST).write_bytes(content)
        contents = claim_directory(interrupted, identity=identity, steps=STEPS, overwrite=False)
        assert contents is not None and contents["step"] == STEPS - 1


@pytest.mark.parametrize("at_the_end", [True, False])
def test_no_damaged_weights_are_read(at_the_end: bool, undisturbed: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(undisturbed, run.path)
    step = None if at_the_end else run.steps_along[0]
    weights = run.weights_file(step)
    content = weights.read_bytes()
    assert run.weights(step) == content
    for copy in damaged(content):
        weights.write_bytes(copy)
        with pytest.raises(InputError, match=r"\.safetensors: is not what was trained"):
            run.weights(step)


def test_two_damaged_ones_are_refused_unless_overwritten(
    interrupted: Path, undisturbed: Path, train: Trainer
) -> None:
    truncate(interrupted / NEWEST)
    (interrupted / PREVIOUS).write_bytes(b"")
    with pytest.raises(InputError, match=r"checkpoint\.pt: is damaged .* pass --overwrite to start again"):
        train(interrupted)
    assert same(train(interrupted, overwrite=True), load_file(undisturbed / "weights.safetensors"))


@pytest.mark.parametrize("form", ["pickle", "torch", "zip"])
def test_a_malicious_one_is_refused_and_not_run(
    form: str, interrupted: Path, train: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    path, proof = interrupted / NEWEST, interrupted / "proof"
    genuine = torch.load(path, weights_only=True)
    contents = {**genuine, "history": Malicious(f"touch {proof}")}
    if form == "pickle":
        path.write_bytes(pickle.dumps(contents, protocol=2))
    elif form == "torch":
        path.write_bytes(sealed(contents))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("checkpoint/data.pkl", pickle.dumps(contents, protocol=2))
            archive.writestr("checkpoint/version", "3\n")
    kept = (interrupted / PREVIOUS).rename(interrupted / "kept")
    with pytest.raises(InputError, match="is damaged or not a checkpoint"):
        train(interrupted)
    kept.rename(interrupted / PREVIOUS)
    train(interrupted)
    assert f"continuing from {PREVIOUS}" in capsys.readouterr().err
    assert not proof.exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("train.learning_rate=0.5", r"another run \(configuration, data or code differ\)"),
        ("model.embedding_dim=8", "another run"),
        ("train.steps=1007", "a training of 6 steps, this one takes 1,007; choose another --out"),
    ],
)
def test_that_of_another_configuration_is_refused(
    change: str, problem: str, interrupted: Path, train: Trainer
) -> None:
    with pytest.raises(InputError, match=f"belongs to {problem}"):
        train(interrupted, change)
    assert (interrupted / NEWEST).exists()


@pytest.mark.parametrize("change", ["train.checkpoint_every=4", "train.workers=2"])
def test_what_changes_no_weights_may_change(
    change: str, interrupted: Path, undisturbed: Path, train: Trainer
) -> None:
    (interrupted / NEWEST).unlink()
    assert same(train(interrupted, change), load_file(undisturbed / "weights.safetensors"))


def test_overwriting_continues_its_own(
    interrupted: Path, train: Trainer, before_step: Callable[[int, Callable[[], object]], None]
) -> None:
    """The workflow always passes --overwrite."""
    done: list[int] = []
    for step in range(STEPS):
        before_step(step, lambda step=step: done.append(step))
    (interrupted / NEWEST).unlink()
    train(interrupted, overwrite=True)
    assert done == [STEPS - 1]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused_and_stays(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match=r"checkpoint\.pt: is no file; move it away"):
        claim_directory(tmp_path, identity="this", steps=STEPS, overwrite=True)
    assert (tmp_path / "checkpoint.pt").exists()
