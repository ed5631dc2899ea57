"""A training on a GPU: the numbers of the CPU, no waits of the host, equal bits, interruptions, memory."""

from __future__ import annotations

import copy
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from difnet.config import PreemptedError, RunError, TrainConfig
from difnet.data import load_prepared
from difnet.data.batches import training_batch
from difnet.models import build
from difnet.training import make_optimiser, training_step
from difnet.training.device import use_deterministic
from tests.training.conftest import Trainer, same

SIDE = 161
"""Pixels; the levels are pooled to 21 nodes from sizes that it does not divide, so that windows overlap."""
CLASSES = 7


def batch(count: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(count, 3, SIDE, SIDE, generator=generator)
    labels = torch.randint(0, CLASSES, (count, SIDE, SIDE), generator=generator)
    labels[:, : SIDE // 8] = 255
    return images, labels


def network(**overrides: object) -> nn.Module:
    torch.manual_seed(0)
    return build("difnet-18", num_classes=CLASSES, **overrides).train()


def step_on(device: str, model: nn.Module, precision: str, *, tf32: bool = False) -> tuple[float, Tensor]:
    """Loss and gradients of one step of a copy of a network, which it leaves where they are."""
    model = copy.deepcopy(model).to(device)
    train = TrainConfig(precision=precision)
    images, labels = (tensor.to(device) for tensor in batch())
    torch.backends.cudnn.allow_tf32 = tf32
    loss = training_step(model, make_optimiser(model, train), images, labels, step=0, train=train)
    gradients = [p.grad.flatten().float().cpu() for p in model.parameters() if p.grad is not None]
    return float(loss), torch.cat(gradients)


@pytest.mark.parametrize(
    ("precision", "tf32", "of_loss", "of_gradients"),
    [("fp32", False, 1e-4, 1e-2), ("fp32", True, 1e-2, 0.1), ("bf16", False, 3e-2, 0.4)],
)
@pytest.mark.parametrize("diffusion", ["cascade", "dense_inverse", "none"])
def test_a_step_has_the_numbers_of_the_cpu(
    diffusion: str, precision: str, tf32: bool, of_loss: float, of_gradients: float
) -> None:
    """Gradients in the 2-norm over all parameters, where rounding adds up over the layers."""
    model = network(diffusion=diffusion)
    loss, gradients = step_on("cpu", model, "fp32")
    found, theirs = step_on("cuda", model, precision, tf32=tf32)
    assert found == pytest.approx(loss, rel=of_loss)
    assert float((theirs - gradients).norm() / gradients.norm()) <= of_gradients


def test_single_precision_is_that_of_ieee() -> None:
    """TF32 would be off by about 3e-4."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 64, 40, 40, generator=generator)
    kernel = torch.randn(64, 64, 3, 3, generator=generator)
    exact = conv2d(maps.double(), kernel.double())
    for found in (conv2d(maps.cuda(), kernel.cuda()), conv2d(maps.cuda(), kernel.cuda().contiguous())):
        assert float((found.cpu() - exact).norm() / exact.norm()) <= 2e-5
    product, wanted = (m[0].flatten(1) @ m[0].flatten(1).mT for m in (maps.cuda(), maps.double()))
    assert float((product.cpu() - wanted).norm() / wanted.norm()) <= 2e-5


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_makes_no_host_wait(precision: str, train: Trainer) -> None:
    """From the batch in pinned memory to the loss, which nobody looks at."""
    config = train.config(f"train.precision={precision}", ablation="cascade")
    split = load_prepared(train.data).split("train")
    model = build("difnet-nano", num_classes=CLASSES).cuda().train()
    optimiser = make_optimiser(model, config.train)

    def take(step: int) -> None:
        moved = training_batch(split, config, step).to("cuda")
        training_step(model, optimiser, moved.images, moved.labels, step=step, train=config.train)

    take(0)
    take(1)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        take(2)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_batches_become_the_same_images_on_the_device(train: Trainer) -> None:
    made = training_batch(load_prepared(train.data).split("train"), train.config(), 0)
    assert made.pixels.is_pinned() and made.truth.is_pinned()
    moved = made.to("cuda")
    assert moved.images.is_cuda and torch.equal(moved.labels.cpu(), made.labels)
    assert torch.allclose(moved.images.cpu(), made.images, rtol=0, atol=1e-6)


def test_pooling_windows_overlap_at_this_size() -> None:
    """What the two tests below need: where none overlap, additions in any order give the same bits."""
    model = network().cuda()
    sizes = []
    for module in model.modules():
        if type(module).__name__ == "Embedding":
            module.register_forward_pre_hook(lambda _, inputs: sizes.append((inputs[0].shape[2:], inputs[1])))
    model(batch()[0].cuda())
    assert any(size % nodes for shape, grid in sizes for size, nodes in zip(shape, grid, strict=True))


@pytest.mark.parametrize("diffusion", ["cascade", "dense_inverse"])
def test_two_trainings_give_the_same_bits(diffusion: str) -> None:
    """Of real sizes; the kernels that add in any order are refused by PyTorch in this mode."""
    use_deterministic(True)
    weights = []
    for _ in range(2):
        model = network(diffusion=diffusion).cuda()
        train = TrainConfig(precision="bf16")
        optimiser = make_optimiser(model, train)
        images, labels = (tensor.cuda() for tensor in batch())
        for step in range(8):
            training_step(model, optimiser, images, labels, step=step, train=train)
        weights.append(torch.cat([parameter.detach().flatten() for parameter in model.parameters()]))
    assert torch.equal(*weights)


def test_a_training_that_is_asked_to_stop_continues_with_the_same_bits(
    train: Trainer, before_step: Callable[[int, Callable[[], object]], None], tmp_path: Path
) -> None:
    settings = ("train.deterministic=true", "train.steps=12")
    undisturbed = train(tmp_path / "undisturbed", *settings, ablation="cascade")
    before_step(5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(PreemptedError, match="SIGTERM after step 6 of 12; the same command continues"):
        train(tmp_path / "stopped", *settings, ablation="cascade")
    assert same(train(tmp_path / "stopped", *settings, ablation="cascade"), undisturbed)


def test_out_of_memory_is_one_line(train: Trainer, tmp_path: Path) -> None:
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-4)
    try:
        with pytest.raises(RunError, match=r"out of memory on the GPU: .* free; lower train.batch_size"):
            train(tmp_path, "train.crop=321", "train.scale=[8, 10]", "train.batch_size=8", ablation="cascade")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
