"""Dilated depthwise convolutions: PyTorch's values and gradients, computed faster."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from difnet.models.dilated_depthwise import Convolution, DilatedDepthwise, with_dilated_depthwise


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


CASES = [(3, 2, 9, 11), (3, 4, 5, 6), (5, 2, 7, 8), (5, 4, 6, 5), (7, 4, 15, 20), (3, 2, 1, 1), (5, 3, 3, 30)]
"""k, d, h, w; with kernels that reach beyond the grid and taps that see no node."""


def inputs(size: int, height: int, width: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = (2, 3, height, width), (3, 1, size, size), (2, 3, height, width)
    maps, weight, change = (torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)
    return maps.contiguous(memory_format=torch.channels_last), weight, change


@pytest.mark.parametrize(("size", "dilation", "height", "width"), CASES)
def test_values_and_gradients_are_those_of_pytorch(size: int, dilation: int, height: int, width: int) -> None:
    maps, weight, change = inputs(size, height, width, torch.float64)
    maps.requires_grad_(), weight.requires_grad_()
    expected = conv2d(maps, weight, padding=dilation * (size // 2), dilation=dilation, groups=3)
    found = Convolution.apply(maps, weight, dilation)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    for gradient, exact in zip(
        torch.autograd.grad(found, (maps, weight), change),
        torch.autograd.grad(expected, (maps, weight), change),
        strict=True,
    ):
        torch.testing.assert_close(gradient, exact, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("size", "dilation", "height", "width"), CASES[1:4])
def test_gradients_by_finite_differences(size: int, dilation: int, height: int, width: int) -> None:
    maps, weight, _ = inputs(size, height, width, torch.float64)
    assert torch.autograd.gradcheck(
        lambda maps, weight: Convolution.apply(maps, weight, dilation),
        (maps.requires_grad_(), weight.requires_grad_()),
        fast_mode=True,
    )


def test_only_what_is_depthwise_dilated_and_keeps_the_size_is_replaced() -> None:
    same = {"padding": 2, "dilation": 2}
    network = nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=4, **same),
        nn.Conv2d(4, 4, 3, groups=4, padding=1),
        nn.Conv2d(4, 4, 3, groups=2, **same),
        nn.Conv2d(4, 4, 3, groups=4, stride=2, **same),
        nn.Conv2d(4, 4, 3, groups=4, padding=1, dilation=2),
        nn.Conv2d(4, 4, 3, groups=4, padding_mode="reflect", **same),
    )
    before, images = copy.deepcopy(network[0]), torch.randn(1, 4, 5, 6)
    found = [type(module) is DilatedDepthwise for module in with_dilated_depthwise(network)]
    assert found == [True] + 5 * [False]
    torch.testing.assert_close(network[0](images), before(images))  # with its bias


def test_fifty_steps_have_the_same_losses() -> None:
    torch.manual_seed(0)
    layers = [
        (
            nn.Conv2d(8, 8, size, groups=8, padding=size // 2 * 2, dilation=2),
            nn.BatchNorm2d(8),
            nn.Conv2d(8, 8, 1),
        )
        for size in (3, 5)
    ]
    network = nn.Sequential(nn.Conv2d(3, 8, 1), *(module for layer in layers for module in layer))
    images = torch.randn(50, 2, 3, 7, 9)

    def losses(network: nn.Module) -> list[float]:
        optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
        found = []
        for batch in images:
            loss = (network(batch) - 1).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            found.append(float(loss.detach()))
        return found

    ours = losses(with_dilated_depthwise(copy.deepcopy(network)))
    plain = losses(network)
    assert plain[-1] < 0.7 * plain[0]
    assert ours == pytest.approx(plain, rel=1e-5)


def test_without_a_gradient_values_are_those_of_pytorch_to_the_bit() -> None:
    for size, dilation, height, width in CASES:
        maps, _, _ = inputs(size, height, width, torch.float32)
        plain = nn.Conv2d(3, 3, size, groups=3, padding=dilation * (size // 2), dilation=dilation)
        (found,) = with_dilated_depthwise(nn.Sequential(copy.deepcopy(plain)))
        assert type(found) is DilatedDepthwise
        with torch.no_grad():
            assert torch.equal(found(maps), plain(maps))
