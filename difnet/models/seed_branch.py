"""Seed detection: scores from a dilated ResNet, and the importance map that weighs them.

B batch, C classes, H W image size, h w grid (about H/8, W/8), K channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from difnet.models.resnet import DilatedResNet, ResNetShape

ASPP_DILATIONS = (6, 12, 18, 24)


class DilatedConvolution(nn.Conv2d):
    """3x3, padded to keep the size, without the taps that a small grid places in the padding alone."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__(inputs, outputs, 3, padding=dilation, dilation=dilation)

    def forward(self, features: Tensor) -> Tensor:
        """(B, K, h, w) -> (B, C, h, w)."""
        (dilation, _), kernel, (height, width) = self.dilation, self.weight, features.shape[2:]
        if dilation >= height:
            kernel = kernel[:, :, 1:2]
        if dilation >= width:
            kernel = kernel[:, :, :, 1:2]
        padding = [dilation * (taps // 2) for taps in kernel.shape[2:]]
        return conv2d(features, kernel, self.bias, padding=padding, dilation=dilation)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling as classifier: the sum of four dilated 3x3 convolutions (DeepLab v2)."""

    def __init__(self, inputs: int, num_classes: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            DilatedConvolution(inputs, num_classes, dilation) for dilation in ASPP_DILATIONS
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, K, h, w) -> scores (B, C, h, w)."""
        return torch.stack([convolution(features) for convolution in self.convolutions]).sum(dim=0)


class SeedBranch(nn.Module):
    """Dilated ResNet and ASPP classifier: the whole of the baseline Sim-DeepLab."""

    def __init__(self, shape: ResNetShape, num_classes: int) -> None:
        super().__init__()
        self.resnet = DilatedResNet(shape)
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
