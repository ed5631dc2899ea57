"""What stops a training is one line that names the cause and the remedy, and the run can be continued."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from filelock import FileLock
from safetensors import safe_open
from safetensors.torch import load_file

from difnet.config import InputError, RunError, RunFolder
from difnet.data import Split, load_prepared
from difnet.data.batches import training_batch
from difnet.training import failures, loop
from tests.training.conftest import STEPS, Trainer, same

Happen = Callable[[int, Callable[[], object]], None]


def continues(train: Trainer, out: Path, undisturbed: Path, *overrides: str) -> bool:
    return same(train(out, *overrides), load_file(undisturbed / "weights.safetensors"))


@pytest.mark.parametrize("checkpoint_every", [1, 100])
@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_the_first_loss_that_is_not_finite(
    loss: float, checkpoint_every: int, tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of five steps: the loss of step 4 is bad, those after it as well."""
    monkeypatch.setattr(loop, "MOST_ROWS", 2)
    settings = ("train.steps=10", f"train.checkpoint_every={checkpoint_every}")

    def training_step(*arguments: object, step: int, **keywords: object) -> torch.Tensor:
        return torch.tensor(loss if step >= 3 else 1.0)

    monkeypatch.setattr(loop, "training_step", training_step)
    with pytest.raises(RunError) as raised:
        train(tmp_path, *settings)
    config = train.config(*settings)
    batch = training_batch(load_prepared(train.data).split("train"), config, 3)
    rate = config.train.learning_rate * 0.7**0.9
    assert str(raised.value) == (
        f"{tmp_path}: the loss is {loss} at step 4 (learning rate {rate:.3g}, images "
        f"{', '.join(batch.names)}; the batch is kept in not_finite.safetensors); lower train.learning_rate"
    )
    kept = tmp_path / "not_finite.safetensors"
    assert torch.equal(load_file(kept)["images"], batch.images)
    assert torch.equal(load_file(kept)["labels"], batch.labels)
    with safe_open(kept, "pt") as file:
        assert file.metadata() == {"names": ", ".join(batch.names)}


def test_a_solver_that_refuses_bad_numbers_does_not_hide_the_loss(
    tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "MOST_ROWS", 1)

    def training_step(*arguments: object, step: int, **keywords: object) -> torch.Tensor:
        if step == 3:
            raise InputError("dense inverse: the seeds hold values that are not finite")
        return torch.tensor(float("nan") if step == 2 else 1.0)

    monkeypatch.setattr(loop, "training_step", training_step)
    with pytest.raises(RunError, match="the loss is nan at step 3"):
        train(tmp_path, "train.checkpoint_every=100")


def test_weights_that_the_last_step_has_destroyed(
    tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its loss is of before the step, so that no loss tells."""
    plain = loop.training_step

    def training_step(network: torch.nn.Module, *arguments: object, step: int, **keywords: object):
        loss = plain(network, *arguments, step=step, **keywords)
        if step == STEPS - 1:
            next(network.parameters()).data[0] = torch.nan
        return loss

    monkeypatch.setattr(loop, "training_step", training_step)
    with pytest.raises(
        RunError, match=r"after the last step, '\S+' is not finite; lower train.learning_rate"
    ):
        train(tmp_path)
    assert not (tmp_path / "weights.safetensors").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_out_of_memory_on_the_cpu(
    workers: int, tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for check in ("check_memory", "check_step"):
        monkeypatch.setattr(sys.modules["difnet.training.train_run"], check, lambda *_: None)
    with pytest.raises(RunError) as raised:
        train(tmp_path, "train.crop=3000000", f"train.workers={workers}")
    pattern = r"out of memory on the CPU: [\d.]+ GiB asked for, [\d.]+ GiB free; lower train\.batch_size"
    assert re.search(pattern, str(raised.value))


def test_out_of_memory_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (3 * 2**29, 2**34))
    text = (
        "CUDA out of memory. Tried to allocate 20.50 GiB. GPU 0 has a total capacity of 16.00 GiB of which 1"
    )
    expected = r"on the GPU: 20\.50 GiB asked for, 1\.5 GiB free"
    with pytest.raises(RunError, match=expected), failures.explained(tmp_path):
        raise torch.OutOfMemoryError(text)


def test_a_kernel_that_is_not_deterministic(tmp_path: Path) -> None:
    text = "kthvalue CUDA does not have a deterministic implementation, but you set"
    with (
        pytest.raises(InputError, match="kthvalue has no deterministic kernel"),
        failures.explained(tmp_path),
    ):
        raise RuntimeError(text)


@pytest.fixture
def with_void(train: Trainer, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], Trainer]:
    """A trainer to which the first labels of a split are void everywhere."""
    plain = Split.label

    def trainer(split: str, count: int) -> Trainer:
        void = load_prepared(train.data).split(split).names[:count]

        def label(self: Split, i: int, rows: slice = slice(None)) -> np.ndarray:
            found = plain(self, i, rows)
            return np.full_like(found, 255) if self.names[i] in void else found

        monkeypatch.setattr(Split, "label", label)
        return train

    return trainer


def test_training_images_that_are_all_void(with_void: Callable[[str, int], Trainer], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="every pixel of 'train' is void; check the labels"):
        with_void("train", 8)(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_images_that_are_all_void_choose_no_weights(
    with_void: Callable[[str, int], Trainer], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="every pixel of 'val' is void; check the labels"):
        with_void("val", 2)(tmp_path / "run", "train.select=best", "evaluate.split=test")


def test_a_void_batch_is_said_once(
    with_void: Callable[[str, int], Trainer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_void("train", 7)(tmp_path / "run")
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "is void" in line]
    assert re.match(
        r"seed_only seed 0: every pixel of step \d is void \(images \S+, \S+\): it and others", line
    )


def test_weights_that_are_not_finite_are_not_chosen(
    tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = loop.training_step

    def training_step(network: torch.nn.Module, *arguments: object, **keywords: object):
        loss = plain(network, *arguments, **keywords)
        for parameter in network.parameters():
            parameter.data.fill_(torch.nan)
        return loss

    monkeypatch.setattr(loop, "training_step", training_step)
    with pytest.raises(InputError, match="logits: values that are not finite"):
        train(tmp_path, "train.select=best", "train.select_every=1", "evaluate.split=test")


def test_a_batch_of_one_value(tmp_path: Path, train: Trainer) -> None:
    with pytest.raises(InputError, match="a batch norm sees one value a channel: one image on a grid of one"):
        train(tmp_path, "train.batch_size=1", "train.crop=4")


def test_a_network_that_does_not_fit(tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 92160000000000 bytes."

    def build(*_: object, **__: object) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(sys.modules["difnet.training.train_run"], "build_from_config", build)
    with pytest.raises(RunError, match="out of memory on the CPU: 85830.7 GiB asked for, .* or model.width"):
        train(tmp_path)


@pytest.mark.parametrize(
    "wide", [("model.name=difnet-101", "model.width=16"), ("train.crop=2048", "model.embedding_dim=65536")]
)
def test_a_network_beyond_memory_is_not_begun(wide: tuple[str, str], tmp_path: Path, train: Trainer) -> None:
    """The system would end the process without a word."""
    message = (
        r"a training step takes at least [\d,.]+ GiB, [\d,.]+ of them for .* lower model.width, model.emb"
    )
    with pytest.raises(InputError, match=message):
        train(tmp_path / "run", *wide, ablation="cascade")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("variables", [{"WORLD_SIZE": "abc"}, {"WORLD_SIZE": "-2"}, {"WORLD_SIZE": "2"}])
def test_variables_of_torchrun_that_are_not_valid(
    variables: dict[str, str], tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        InputError, match=r"the variables of torchrun are set, and not valid \(.*; unset WORLD"
    ):
        train(tmp_path)


def test_other_errors_stay_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="^a mistake in the code$"), failures.explained(tmp_path):
        raise RuntimeError("a mistake in the code")


def making_batches() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("batches")]


@pytest.mark.parametrize("failure", ["a step", "a batch"])
def test_no_worker_is_left_behind(
    failure: str,
    tmp_path: Path,
    train: Trainer,
    before_step: Happen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Workers are threads, which cannot die alone; they end with the training, and with their own errors."""
    for check in ("check_memory", "check_step"):
        monkeypatch.setattr(sys.modules["difnet.training.train_run"], check, lambda *_: None)
    crop = 3_000_000 if failure == "a batch" else 32  # more than fits into memory, or the whole image
    workers: list[str] = []
    before = set(psutil.Process().children())  # a cluster of other tests may run

    def fail() -> None:
        workers.extend(making_batches())
        assert set(psutil.Process().children()) <= before
        raise ValueError("a mistake in the step")

    before_step(3, fail)
    with pytest.raises(ValueError if failure == "a step" else RunError) as raised:
        train(tmp_path, "train.workers=2", "train.steps=1000", f"train.crop={crop}")
    assert raised.tb is not None
    assert len(workers) == (2 if failure == "a step" else 0)
    assert making_batches() == []


@pytest.mark.parametrize("workers", [0, 2])
def test_data_that_get_lost(workers: int, tmp_path: Path, train: Trainer, before_step: Happen) -> None:
    data = tmp_path / "data"
    shutil.copytree(train.data, data)
    gone = Trainer(data)
    before_step(1, lambda: data.rename(tmp_path / "unmounted"))
    settings = (f"train.workers={workers}", "train.steps=12")
    with pytest.raises(RunError, match="No such file or directory; once that is mended, the same"):
        gone(tmp_path / "run", *settings)
    (tmp_path / "unmounted").rename(data)
    assert same(gone(tmp_path / "run", *settings), train(tmp_path / "other", *settings))


def test_another_training_of_the_same_folder_is_waited_for(
    tmp_path: Path, train: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the folder may end with the configuration of one and the weights of the other."""
    out = tmp_path / "run"
    with FileLock(tmp_path / ".run.lock"):
        second = threading.Thread(target=lambda: train(out, ablation="pixel_prior"))
        second.start()
        while not (said := capsys.readouterr().err):
            second.join(0.01)
        assert said == f"difnet: waiting for another process, which trains or scores {out}\n"
        assert not out.exists()
    second.join()
    assert RunFolder(out).weights()


def test_pixels_that_become_shorter(tmp_path: Path, train: Trainer, before_step: Happen) -> None:
    """Behind a memory map this would end the process."""
    data = tmp_path / "data"
    shutil.copytree(train.data, data)
    (pixels,) = data.glob("prepared-*/train.images.bin")
    before_step(1, lambda: os.truncate(pixels, 100))
    with pytest.raises(
        RunError, match=r"train\.images\.bin: the file has become shorter; once that is mended"
    ):
        Trainer(data)(tmp_path / "run", "train.steps=30")


def test_a_run_directory_that_gets_lost(
    tmp_path: Path, undisturbed: Path, train: Trainer, before_step: Happen
) -> None:
    out = tmp_path / "run"
    before_step(3, lambda: out.rename(tmp_path / "unmounted"))
    with pytest.raises(RunError, match="the folder is gone; once it is back, the same command continues"):
        train(out)
    assert not out.exists()
    (tmp_path / "unmounted").rename(out)
    assert torch.load(out / "checkpoint.pt", weights_only=True)["step"] == 3
    assert continues(train, out, undisturbed)


def test_a_disk_that_fills_up(
    small_disk: Path, undisturbed: Path, train: Trainer, before_step: Happen
) -> None:
    """Checkpoints and weights along the way fit beside another one, until something else takes the room."""
    size = (undisturbed / "checkpoint.pt").stat().st_size

    def resize(disk: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={disk}", str(small_disk)], check=True)

    resize(6 * size)
    before_step(4, lambda: (small_disk / "other").write_bytes(np.zeros(int(2.5 * size), np.uint8).tobytes()))
    out = small_disk / "run"
    with pytest.raises(
        InputError, match=r"(checkpoint|step\d)\.\w+: cannot be written: No space left on device; free"
    ):
        train(out)
    files = [
        "along",
        "checkpoint.previous.pt",
        "checkpoint.pt",
        "config.yaml",
        "history.csv",
        ".history.csv.sha256",
    ]
    assert sorted(path.name for path in out.iterdir()) == sorted(files)
    assert torch.load(out / "checkpoint.pt", weights_only=True)["step"] == 4
    (small_disk / "other").unlink()
    assert continues(train, out, undisturbed)
