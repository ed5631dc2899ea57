"""Similarity estimation: the image and the layers of a second dilated ResNet, embedded on the grid of nodes.

B batch, C classes, D embedding, H W image size, h w grid (about H/8, W/8), N = h*w nodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from difnet.config import LEVELS, InputError, LevelName
from difnet.diffusion import CosineTransition, SoftmaxTransition
from difnet.models.backbone import BackboneShape
from difnet.models.embedding import Embedding, ImageEmbedding

LEARNABLE: dict[str, type[SoftmaxTransition | CosineTransition]] = {
    "softmax": SoftmaxTransition,
    "cosine": CosineTransition,
}
"""Kinds of transition matrix whose temperature a scale of the embedded features can express."""


class SimilarityBranch(nn.Module):
    """Dilated ResNet, or another backbone, whose image and layers are embedded (DifNet, section 3.2).

    Args:
        shape: Of the backbone, built only as deep as the levels need.
        levels: Names of the levels, in the order in which they are walked.
        embedding_dim: D.
        num_classes: Classes of the 1x1 classifier on layer4 that replaces the seed branch; None: none.
        shares_resnet: Whether the backbone of the seed branch gives the layers.
        temperature: Learned temperatures of the levels; None: none.
    """

    def __init__(
        self,
        shape: BackboneShape,
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
        self.resnet = shape.make(depth) if depth and not shares_resnet else None
        self.embeddings = nn.ModuleDict(
            {
                level: ImageEmbedding(embedding_dim)
                if level == "image"
                else Embedding(widths[level], embedding_dim)
                for level in levels
            }
        )
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
        nodes = [
            self.embeddings[level](features[LEVELS.index(level)], (height, width)) for level in self.levels
        ]
        if self.temperature is not None:
            nodes = self.temperature(nodes)
        return nodes, None if self.classifier is None else self.classifier(features[-1])


class LearnedTemperature(nn.Module):
    """One learned temperature a level, as a scale of its features.

    Args:
        kind: Of transition matrix: softmax or cosine; its default temperature is the initial one.
        levels: Number of levels.

    Raises:
        InputError: If the kind is another one.
    """

    def __init__(self, kind: str, levels: int) -> None:
        super().__init__()
        if kind not in LEARNABLE:
            raise InputError(
                f"model.transition.temperature: 'learned' works with kind {' or '.join(LEARNABLE)}, "
                f"not {kind}; give a number"
            )
        self.unit = LEARNABLE[kind](temperature=1.0)
        start = math.log(LEARNABLE[kind]().temperature)
        self.log = nn.ParameterList([nn.Parameter(torch.full((1,), start)) for _ in range(levels)])
        """Logarithm of each temperature, shape (1,)."""

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """Features whose plain softmax walk is that of the kind at its temperature; (B, D, N) each."""
        return [
            self.unit.embed(level) * torch.exp(-log / 2) for level, log in zip(levels, self.log, strict=True)
        ]
