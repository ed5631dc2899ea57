"""Precision and batches in parts: what each changes, and what it leaves alone."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from difnet.config import TrainConfig
from difnet.models import DifNet, build
from difnet.training import device, make_optimiser, training_step, trains_in_bf16


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return build("difnet-nano", num_classes=5)


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 5, (4, 33, 41), generator=generator)
    labels[0, :20] = 255
    return torch.randn(4, 3, 33, 41, generator=generator), labels


def _one_step(network: nn.Module, batch: tuple[Tensor, Tensor], train: TrainConfig) -> tuple[float, Tensor]:
    """Loss, and all parameters after the step."""
    network = copy.deepcopy(network)
    optimiser = make_optimiser(network, train)
    loss = training_step(network, optimiser, *batch, step=0, train=train)
    return loss.item(), torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


@pytest.mark.parametrize("parts", [2, 3, 4, 9])
def test_a_batch_in_parts_is_one_step(network: nn.Module, batch: tuple[Tensor, Tensor], parts: int) -> None:
    network = network.double().eval()  # batch norms in training would see one part at a time
    batch = (batch[0].double(), batch[1])
    loss, whole = _one_step(network, batch, TrainConfig())
    loss_of_parts, in_parts = _one_step(network, batch, TrainConfig(accumulate=parts))
    assert loss_of_parts == pytest.approx(loss, rel=1e-12)
    assert torch.allclose(in_parts, whole, rtol=1e-12, atol=1e-14)


def test_bfloat16_is_a_little_different(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    single, _ = _one_step(network.train(), batch, TrainConfig(precision="fp32"))
    half, _ = _one_step(network.train(), batch, TrainConfig(precision="bf16"))
    assert 0 < abs(half / single - 1) < 0.01


def test_diffusion_and_loss_stay_in_single_precision(batch: tuple[Tensor, Tensor]) -> None:
    network = build("difnet-nano", num_classes=5, diffusion="dense_inverse").train()
    assert isinstance(network, DifNet)
    seen = []

    def note(rule: nn.Module, inputs: tuple[list[Tensor], Tensor], output: Tensor) -> None:
        levels, seeds = inputs
        seen.extend([*levels, seeds, output])
        assert not torch.is_autocast_enabled("cpu")

    assert network.diffusion is not None
    network.diffusion.register_forward_hook(note)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        prediction = network(batch[0])
    assert {tensor.dtype for tensor in seen} == {torch.float32}
    assert prediction.scores is not None
    assert prediction.scores.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("flags : sse2 avx512f avx512_bf16", True), ("Features : asimd bf16", True), ("flags : avx2", False)],
)
def test_auto_goes_by_the_processor(flags: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(Path, "read_text", lambda path: flags)
    device._cpu_computes_in_bf16.cache_clear()
    assert trains_in_bf16(TrainConfig()) is expected
    assert trains_in_bf16(TrainConfig(precision="bf16"))
    assert not trains_in_bf16(TrainConfig(precision="fp32"))
    device._cpu_computes_in_bf16.cache_clear()
