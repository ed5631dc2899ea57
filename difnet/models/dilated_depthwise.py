"""Dilated depthwise convolutions on a CPU, where oneDNN's take most of a training step of a mobile network.

A dilated convolution is an undilated one on d x d interleaved grids. Its gradient for the input is the same
convolution with the kernel turned round, that for the weights a sum of shifted products. All are exact; what
is faster where: docs/performance.md.

B batch, K channels, k kernel size, d dilation, h w grid.
"""

from __future__ import annotations

from itertools import product
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d, pad


class DilatedDepthwise(nn.Conv2d):
    """A depthwise convolution of stride 1 that keeps the size."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        differentiated = torch.is_grad_enabled() and (input.requires_grad or weight.requires_grad)
        half = torch.is_autocast_enabled("cpu") or input.dtype == torch.bfloat16
        if not differentiated or half or input.device.type != "cpu":  # features as timm's, to the bit
            return cast(Tensor, super()._conv_forward(input, weight, bias))
        maps = cast(Tensor, Convolution.apply(input, weight, self.dilation[0]))
        return maps if bias is None else maps + bias.view(-1, 1, 1)


def with_dilated_depthwise(network: nn.Module) -> nn.Module:
    """The network, whose dilated depthwise convolutions are computed as said above."""
    for module in network.modules():
        if type(module) is nn.Conv2d and _fits(module):
            module.__class__ = DilatedDepthwise
    return network


def _fits(convolution: nn.Conv2d) -> bool:
    dilation, size = convolution.dilation[0], convolution.kernel_size[0]
    return (
        dilation > 1
        and convolution.groups == convolution.in_channels == convolution.out_channels
        and convolution.stride == (1, 1)
        and convolution.dilation == (dilation, dilation)
        and convolution.kernel_size == (size, size)
        and size % 2 == 1
        and convolution.padding == (dilation * (size // 2),) * 2
        and convolution.padding_mode == "zeros"
    )


class Convolution(torch.autograd.Function):
    """Maps (B, K, h, w), weights (K, 1, k, k) and d -> maps of the same size."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, dilation: int) -> Tensor:
        """The convolution."""
        ctx.save_for_backward(maps, weight)
        ctx.dilation = dilation
        return convolved(maps, weight, dilation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """The gradients for maps and weights."""
        maps, weight = ctx.saved_tensors
        (gradient,) = gradients
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        return (
            convolved(gradient, weight.flip(2, 3), ctx.dilation) if ctx.needs_input_grad[0] else None,
            _weight_gradient(maps, gradient, weight, ctx.dilation) if ctx.needs_input_grad[1] else None,
            None,
        )


def convolved(maps: Tensor, weight: Tensor, dilation: int) -> Tensor:
    """Maps (B, K, h, w) and weights (K, 1, k, k) -> (B, K, h, w), zero beyond the edges.

    Interleaved where the kernel reaches beyond the grid, for which oneDNN has no fast code.
    """
    channels, size = len(weight), weight.shape[-1]
    height, width = maps.shape[2:]
    if dilation * (size - 1) < min(height, width):
        return conv2d(maps, weight, padding=dilation * (size // 2), dilation=dilation, groups=channels)
    rows, columns = -(-height // dilation), -(-width // dilation)
    nodes = pad(maps.permute(0, 2, 3, 1), (0, 0, 0, columns * dilation - width, 0, rows * dilation - height))
    grids = nodes.reshape(-1, rows, dilation, columns, dilation, channels).permute(0, 2, 4, 1, 3, 5)
    each = grids.reshape(-1, rows, columns, channels).permute(0, 3, 1, 2)
    found = conv2d(each, weight, padding=size // 2, groups=channels).permute(0, 2, 3, 1)
    back = found.reshape(-1, dilation, dilation, rows, columns, channels).permute(0, 3, 1, 4, 2, 5)
    whole = back.reshape(-1, rows * dilation, columns * dilation, channels)
    return whole[:, :height, :width].permute(0, 3, 1, 2)


def _weight_gradient(maps: Tensor, gradient: Tensor, weight: Tensor, dilation: int) -> Tensor:
    """Of each tap the sum of products of the maps that it sees and the gradient (B, K, h, w) there.

    One image at a time, whose products stay in the cache.
    """
    size, channels = weight.shape[-1], len(weight)
    height, width = maps.shape[2:]
    found = weight.new_zeros(size, size, channels)
    products = weight.new_empty(height * width * channels)
    for image, change in zip(maps.permute(0, 2, 3, 1), gradient.permute(0, 2, 3, 1), strict=True):
        for row, column in product(range(size), repeat=2):
            down, right = dilation * (row - size // 2), dilation * (column - size // 2)
            seen = image[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
            there = change[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
            if seen.numel() and abs(down) < height and abs(right) < width:
                both = torch.mul(seen, there, out=products[: seen.numel()].view(seen.shape))
                found[row, column] += both.view(-1, channels).sum(dim=0)
    return found.permute(2, 0, 1).unsqueeze(1)
