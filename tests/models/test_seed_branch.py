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
