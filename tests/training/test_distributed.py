"""Several processes train the same run as one, with the same losses within rounding, and end together."""

from __future__ import annotations

import copy
import json
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import MagicMock

import pandas as pd
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from timm.layers import BatchNormAct2d
from torch import nn

from difnet.config import InputError, PreemptedError, RunError, TrainConfig
from difnet.data import load_prepared, prepare
from difnet.data.batches import training_batch
from difnet.training import distributed
from tests.conftest import CATALOGUE, PROJECT
from tests.training.conftest import Trainer

JOB = Path(__file__).with_name("distributed_job.py")
SINGLE = ("train.precision=fp32", "train.batch_size=4", "train.checkpoint_every=100")


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """Trains in one process, on the images of `tiny`, so that the command line trains the same runs."""
    folder = tmp_path_factory.mktemp("data")
    prepare(CATALOGUE.benchmark("tiny").data, folder)
    return Trainer(folder)


def command(train: Trainer, out: Path, *overrides: str) -> list[str]:
    """Arguments of `difnet` for the run that `train(out, *overrides, ablation="cascade")` trains."""
    settings = ["train.steps=6", "train.checkpoint_every=1", "train.batch_size=2", *overrides]
    where = ["--data", str(train.data), "--out", str(out)]
    options = [word for setting in settings for word in ("--set", setting)]
    return ["train", "--benchmark", "tiny", "--ablation", "cascade", "--seed", "0", *where, *options]


TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]


def torchrun(processes: int, *program: str) -> subprocess.CompletedProcess[str]:
    launcher = [*TORCHRUN, "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.run(
        [*launcher, *program], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=300
    )


def torchrun_on_two_nodes(*program: str) -> list[str]:
    """One process on each of two launchers, which find each other by a port, as nodes do; what each said."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    meeting = ["--rdzv-backend=c10d", "--rdzv-id=toy", f"--rdzv-endpoint=127.0.0.1:{port}"]
    launcher = [*TORCHRUN, "--nnodes=2", "--nproc-per-node=1", "--local-addr=127.0.0.1", *meeting, *program]
    nodes = [
        subprocess.Popen(launcher, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [node.communicate(timeout=300)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said
    return said


def losses(out: Path) -> list[float]:
    return pd.read_csv(out / "history.csv")["loss"].tolist()


@pytest.mark.parametrize(
    "overrides",
    [
        ("train.steps=6",),
        # At ten times this rate the recipe multiplies any rounding, also of one process: 6e-4 after 50 steps.
        pytest.param(("train.steps=50", "train.learning_rate=2.5e-4"), marks=pytest.mark.slow),
        pytest.param(("train.steps=6", "train.batch_size=5", "train.workers=1"), marks=pytest.mark.slow),
    ],
)
def test_two_processes_have_the_losses_of_one(
    overrides: tuple[str, ...], train: Trainer, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    expected = train(one, *SINGLE, *overrides, ablation="cascade")
    finished = torchrun(2, "-m", "difnet", *command(train, two, *SINGLE, *overrides))
    assert finished.returncode == 0, finished.stderr
    assert losses(two) == pytest.approx(losses(one), rel=1e-4)
    weights = load_file(two / "weights.safetensors")
    for name, tensor in expected.items():
        assert torch.allclose(weights[name], tensor, rtol=1e-3, atol=1e-4), name
    assert json.loads((two / "environment.json").read_text())["processes"] == 2
    assert json.loads((one / "environment.json").read_text())["processes"] == 1
    assert finished.stderr.count("last loss") == 1


def test_two_nodes_have_the_losses_of_one(train: Trainer, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    expected = train(one, *SINGLE, "train.steps=6", ablation="cascade")
    said = torchrun_on_two_nodes("-m", "difnet", *command(train, two, *SINGLE))
    assert losses(two) == pytest.approx(losses(one), rel=1e-4)
    weights = load_file(two / "weights.safetensors")
    for name, tensor in expected.items():
        assert torch.allclose(weights[name], tensor, rtol=1e-3, atol=1e-4), name
    assert json.loads((two / "environment.json").read_text())["processes"] == 2
    assert "".join(said).count("last loss") == 1


def test_a_signal_to_one_process_stops_both_and_one_process_continues(train: Trainer, tmp_path: Path) -> None:
    """The parts of a batch that is accumulated are those of one process: batch norms see the same images."""
    out, overrides = tmp_path / "run", (*SINGLE, "train.accumulate=2")
    stopped = torchrun(2, str(JOB), "1", "2", "SIGTERM", *command(train, out, *overrides))
    assert stopped.stderr.count("SIGTERM after step 3 of 6; the same command continues") == 1
    assert "exitcode  : 75" in stopped.stderr
    assert torch.load(out / "checkpoint.pt", weights_only=True)["step"] == 3
    train(out, *overrides, ablation="cascade")
    train(tmp_path / "one", *overrides, ablation="cascade")
    assert losses(out) == pytest.approx(losses(tmp_path / "one"), rel=1e-4)


@pytest.mark.parametrize(
    ("error", "on_gpu", "expected"),
    [
        (None, True, ["destroyed"]),
        (PreemptedError("asked to stop"), True, ["destroyed"]),
        (RunError("the loss is nan"), True, ["abort of cuda"]),
        (ValueError("a mistake in the code"), True, ["abort of cuda"]),
        (RunError("the loss is nan"), False, []),
    ],
)
def test_processes_leave_nccl_however_they_end(
    error: Exception | None, on_gpu: bool, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together, or without waiting for those that may be gone; else NCCL warns at the exit."""
    left: list[str] = []
    store, group = MagicMock(), MagicMock()
    store.add.return_value = 1
    group._get_backend = lambda device: MagicMock(abort=lambda: left.append(f"abort of {device}"))
    for name, value in {"WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "rendezvous", lambda *_, **__: iter([(store, 0, 2)]))
    monkeypatch.setattr(distributed, "by_first", lambda action: action())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: on_gpu)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda place: None)
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: None)
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: left.append("destroyed"))
    monkeypatch.setattr(dist.distributed_c10d, "_get_default_group", lambda: group)
    context = pytest.raises(type(error)) if error else nullcontext()
    with context, distributed.joined_processes(TrainConfig()):
        if error:
            raise error
    assert left == expected


@pytest.mark.slow
def test_a_killed_process_ends_the_other(train: Trainer, tmp_path: Path) -> None:
    arguments = command(train, tmp_path / "run", "train.workers=2")
    failed = torchrun(2, str(JOB), "1", "2", "SIGKILL", *arguments)
    assert failed.returncode == 1
    assert "difnet: process 1 of 2: another process of this training ended" in failed.stderr
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["step"] == 2


@pytest.mark.parametrize(
    ("mistake", "line"),
    [
        (
            "train.batch_size=1",
            "train.batch_size: 1 images cannot be shared out among 2 processes; start fewer",
        ),
        ("train.scale=[0.5,1.4]", "train.scale makes images of different sizes; set train.crop as well"),
    ],
)
def test_a_mistake_is_one_line_and_keeps_its_exit_code(
    train: Trainer, tmp_path: Path, mistake: str, line: str
) -> None:
    """One that the first process alone looks for, and one that every process meets."""
    arguments = [*command(train, tmp_path / "run", mistake), "--processes", "2"]
    refused = subprocess.run(
        [sys.executable, "-m", "difnet", *arguments], capture_output=True, text=True, check=False
    )
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", f"difnet: {line}\n")


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (TrainConfig(batch_size=3), "3 images cannot be shared out among 4 processes"),
        (
            TrainConfig(batch_size=16, norm_images=4),
            r"train.norm_images: .* in one process, not in 4; start one",
        ),
        (TrainConfig(batch_size=16, epochs=2), r"train.epochs: .* in one process, not in 4; start one"),
        (TrainConfig(batch_size=12, accumulate=2), r"12 images in 2 parts \(train.accumulate\) cannot be"),
    ],
)
def test_batches_that_cannot_be_shared_out(train: TrainConfig, message: str) -> None:
    with pytest.raises(InputError, match=message):
        distributed._check_parts(train, 4)


def test_the_parts_of_a_batch_make_it_whole(train: Trainer) -> None:
    split = load_prepared(train.data).split("train")
    config = train.config("train.batch_size=7", "train.crop=24", "train.scale=[0.5,1.4]")
    whole = training_batch(split, config, 5)
    for rank in range(3):
        part = training_batch(split, config, 5, (rank, 3))
        assert part.names == whole.names[rank::3]
        assert torch.equal(part.images, whole.images[rank::3])
        assert torch.equal(part.labels, whole.labels[rank::3])


@pytest.mark.parametrize("on_gpu", [False, True])
def test_shared_batch_norms_keep_the_activation_that_timm_puts_into_them(on_gpu: bool) -> None:
    torch.manual_seed(0)
    usual = nn.Sequential(nn.Conv2d(3, 4, 1), BatchNormAct2d(4))
    shared = copy.deepcopy(usual)
    distributed.share_batch_norms(shared, on_gpu=on_gpu)
    assert type(shared[1]) is (distributed.SyncedBatchNorm if on_gpu else distributed.SharedBatchNorm)
    maps = torch.randn(4, 3, 5, 6)
    for training in (True, False):
        outputs = [network.train(training)(maps) for network in (usual, shared)]
        assert (outputs[0] == 0).any()
        assert torch.allclose(*outputs, atol=1e-5)
    assert torch.allclose(usual[1].running_var, shared[1].running_var)


def test_the_shared_batch_norm_of_one_process_is_the_usual_one() -> None:
    """The mean is a hundred times the deviation: in single precision, squares would not tell it."""
    torch.manual_seed(0)
    usual, shared = nn.BatchNorm2d(3), distributed.SharedBatchNorm(3)
    for norm in (usual, shared):
        nn.init.constant_(norm.weight, 1.5)
        nn.init.constant_(norm.bias, 0.5)
    maps = 100 + torch.randn(4, 3, 5, 6)
    direction = torch.randn(4, 3, 5, 6)
    results = []
    for norm in (usual, shared):
        inputs = maps.clone().requires_grad_()
        outputs = norm(inputs)
        (outputs * direction).sum().backward()
        results.append([outputs, inputs.grad, norm.weight.grad, norm.bias.grad, *norm.buffers()])
    for theirs, ours in zip(*results, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert torch.allclose(shared.eval()(maps), usual.eval()(maps), rtol=1e-4, atol=1e-4)
