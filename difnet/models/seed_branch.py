"""Seed detection: scores from a dilated ResNet, and the importance map that weighs them.

B batch, C classes, H W image size, h w grid (about H/8, W/8), K channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from difnet.models.backbone import BackboneShape

ASPP_DILATIONS = (6, 12, 18, 24)


class DilatedConvolution(nn.Conv2d):
    """3x3, padded to keep the size."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__(inputs, outputs, 3, padding=dilation, dilation=dilation)

    def taps(self, size: tuple[int, int]) -> Iterator[tuple[Tensor, int, int]]:
        """Each tap (C, K) that reaches a node of a grid (h, w), with the rows and columns it looks away."""
        dilation, _ = self.dilation
        for row, column in product((-1, 0, 1), repeat=2):
            down, right = dilation * row, dilation * column
            if abs(down) < size[0] and abs(right) < size[1]:
                yield self.weight[:, :, row + 1, column + 1], down, right


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling as classifier: the sum of four dilated 3x3 convolutions (DeepLab v2).

    Where a dilation exceeds half the grid, most of what a convolution's taps see is padding. On a CPU these
    convolutions are one matrix product for those taps that see nodes, whose results are moved to their place.
    """

    def __init__(self, inputs: int, num_classes: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            DilatedConvolution(inputs, num_classes, dilation) for dilation in ASPP_DILATIONS
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, K, h, w) -> scores (B, C, h, w)."""
        size = (features.shape[2], features.shape[3])
        wide, scores = [], []
        for convolution in cast(Iterable[DilatedConvolution], self.convolutions):
            if features.device.type != "cuda" and 2 * convolution.dilation[0] >= min(size):
                wide.append(convolution)
            else:
                scores.append(convolution(features))
        if wide:
            scores.append(_sum_of_taps(wide, features, size))
        return torch.stack(scores).sum(dim=0)


def _sum_of_taps(
    convolutions: Sequence[DilatedConvolution], features: Tensor, size: tuple[int, int]
) -> Tensor:
    """The sum of the convolutions of features (B, K, h, w) -> (B, C, h, w)."""
    kernels: dict[tuple[int, int], Tensor] = {}
    for convolution in convolutions:
        for kernel, down, right in convolution.taps(size):
            kernels[down, right] = kernels.get((down, right), 0) + kernel
    seen = linear(features.permute(0, 2, 3, 1), torch.cat(list(kernels.values())))
    moved = [
        pad(scores, (0, 0, -right, right, -down, down))
        for scores, (down, right) in zip(seen.chunk(len(kernels), dim=-1), kernels, strict=True)
    ]
    # Joined, not stacked: gradients of stacked ones share one place, where those of a batch's parts add up.
    biases = torch.cat([cast(Tensor, convolution.bias) for convolution in convolutions])
    bias = biases.view(len(convolutions), -1).sum(dim=0)
    return (torch.stack(moved).sum(dim=0) + bias.to(seen.dtype)).permute(0, 3, 1, 2)


class SeedBranch(nn.Module):
    """Dilated ResNet, or another backbone, and ASPP classifier: the whole of the baseline Sim-DeepLab."""

    def __init__(self, shape: BackboneShape, num_classes: int) -> None:
        super().__init__()
        self.resnet = shape.make()
        self.classifier = ASPP(shape.channels[-1], num_classes)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, H, W) -> scores (B, C, h, w), and layer1 to layer4 that they come from."""
        layers = self.resnet(images)
        return self.classifier(layers[-1]), layers


class ImportanceMap(nn.Module):
    """How much each node is to be trusted as a seed, from the scores alone (DifNet, section 3.1)."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(num_classes),
            nn.ReLU(),
            nn.Conv2d(num_classes, 8, 5, padding=2, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 4, 5, padding=2, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 1, 5, padding=2, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, scores: Tensor) -> Tensor:
        """(B, C, h, w) -> importance (B, 1, h, w) in (0, 1)."""
        return self.layers(scores)  # type: ignore[no-any-return]
