"""The classifier's dilated convolutions leave out taps, not values."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv2d

from difnet.models.seed_branch import ASPP, ASPP_DILATIONS


@pytest.mark.parametrize("size", [(1, 1), (6, 6), (7, 12), (9, 9), (13, 30), (25, 25), (50, 49), (60, 13)])
def test_left_out_taps_see_padding_alone(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    classifier = ASPP(4, 3).double()
    features = torch.randn(2, 4, *size, dtype=torch.float64, requires_grad=True)
    inputs = (features, *classifier.parameters())
    expected = sum(
        conv2d(features, module.weight, module.bias, padding=dilation, dilation=dilation)
        for module, dilation in zip(classifier.convolutions, ASPP_DILATIONS, strict=True)
    )
    weights = torch.randn_like(expected)
    found = classifier(features)
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-12)
    for gradient, exact in zip(
        torch.autograd.grad((found * weights).sum(), inputs),
        torch.autograd.grad((expected * weights).sum(), inputs),
        strict=True,
    ):
        assert torch.allclose(gradient, exact, rtol=1e-12, atol=1e-12)


def test_gradients_of_the_biases_add_up_apart() -> None:
    """Over two passes, as over the parts of a batch: twice the gradient of one."""
    classifier = ASPP(3, 2)
    features = torch.randn(1, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    found = []
    for _ in range(2):
        classifier(features).square().sum().backward()
        found.append([convolution.bias.grad.clone() for convolution in classifier.convolutions])
    for once, twice in zip(*found, strict=True):
        assert torch.allclose(twice, 2 * once)
