"""The two branches of DifNet: seed detection and similarity estimation.

B batch, C classes, D embedding, H W image size, h w grid (about H/8, W/8), N = h*w nodes, K channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from difnet.config import LEVELS, LevelName
from difnet.models.deterministic import adaptive_max_pool
from difnet.models.resnet import DilatedResNet, ResNetShape
from difnet.models.temperature import LearnedTemperature

ASPP_DILATIONS = (6, 12, 18, 24)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling as classifier: the sum of four dilated 3x3 convolutions (DeepLab v2)."""

    def __init__(self, inputs: int, num_classes: int) -> None:
        super().__init__()
        convolutions = [
            nn.Conv2d(inputs, num_classes, 3, padding=dilation, dilation=dilation)
            for dilation in ASPP_DILATIONS
        ]
        for convolution in convolutions:
            nn.init.normal_(convolution.weight, std=0.01)
        self.convolutions = nn.ModuleList(convolutions)

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


class SimilarityBranch(nn.Module):
    """Dilated ResNet whose image and layers are embedded, one level each (DifNet, section 3.2).

    Args:
        shape: Blocks and widths of the ResNet, built only as deep as the levels need.
        levels: Names of the levels, in the order in which they are walked.
        embedding_dim: D.
        num_classes: Classes of the 1x1 classifier on layer4 that replaces the seed branch; None: none.
        shares_resnet: Whether the ResNet of the seed branch gives the layers.
        temperature: Learned temperatures of the levels; None: none.
    """

    def __init__(
        self,
        shape: ResNetShape,
        *,
        levels: Sequence[LevelName],
        embedding_dim: int,
        num_classes: int | None = None,
        shares_resnet: bool = False,
        temperature: LearnedTemperature | None = None,
    ) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.shares_resnet = shares_resnet
        widths = dict(zip(LEVELS, (3, *shape.channels), strict=True))
        depth = 4 if num_classes is not None else max(LEVELS.index(level) for level in levels)
        self.resnet = DilatedResNet(shape, depth=depth) if depth and not shares_resnet else None
        self.embeddings = nn.ModuleDict({level: _embedding(widths[level], embedding_dim) for level in levels})
        self.temperature = temperature
        self.classifier = None if num_classes is None else nn.Conv2d(widths["layer4"], num_classes, 1)

    def forward(
        self, images: Tensor, grid: tuple[int, int] | None, shared: list[Tensor] | None = None
    ) -> tuple[list[Tensor], Tensor | None]:
        """Embedded levels, and the scores of the classifier where there is one.

        Args:
            images: (B, 3, H, W).
            grid: Height and width (h, w) of the node grid; None for that of layer4.
            shared: layer1 to layer4 of the seed branch, where the branches share their ResNet.

        Returns:
            One (B, D, N) a level, and scores (B, C, h, w) or None.
        """
        layers = shared or ([] if self.resnet is None else self.resnet(images))
        features = [images, *layers]
        height, width = features[-1].shape[2:] if grid is None else grid
        embedded = [self.embeddings[level](features[LEVELS.index(level)]) for level in self.levels]
        nodes = [adaptive_max_pool(maps, (height, width)).flatten(2) for maps in embedded]
        if self.temperature is not None:
            nodes = self.temperature(nodes)
        return nodes, None if self.classifier is None else self.classifier(features[-1])


def _embedding(inputs: int, embedding_dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, embedding_dim, 1), nn.BatchNorm2d(embedding_dim))
