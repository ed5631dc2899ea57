"""A network of timm as backbone.

B batch, H W image size, K channels, h w grid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn
from torch.nn.functional import pad

from difnet.config.timm_networks import GRID_STRIDE, timm_network
from difnet.models.backbone import Backbone
from difnet.models.dilated_depthwise import with_dilated_depthwise
from difnet.models.node_grid import resize

FEWEST = 4
"""Nodes a side of the smallest image that a network sees: below one of stride 32 there is nothing left."""


@dataclass(frozen=True)
class TimmShape:
    """A network of timm, by its name in `model.backbone`."""

    backbone: str

    @property
    def channels(self) -> tuple[int, ...]:
        """K of layer1 to layer4."""
        return timm_network(self.backbone).channels

    def make(self, depth: int = 4) -> TimmBackbone:
        """A backbone of so many of the four layers."""
        return TimmBackbone(self.backbone, depth=depth)


class TimmBackbone(Backbone):
    """The four deepest feature maps of a network of timm, resampled to the grid where they are coarser.

    Args:
        backbone: `timm/NAME`.
        depth: How many of the layers to build.
        pretrained: Whether to take the weights of timm's hub, which are downloaded once.
    """

    def __init__(self, backbone: str, *, depth: int = 4, pretrained: bool = False) -> None:
        import timm

        super().__init__()
        self.name = backbone
        facts = timm_network(backbone)
        features = timm.create_model(
            facts.name,
            pretrained=pretrained,
            features_only=True,
            feature_cls="getter",
            out_indices=facts.maps[:depth],
            **facts.request,
        )
        self.network = with_dilated_depthwise(cast(nn.Module, features.model))
        self._maps = features.out_indices
        self._modules_of_layers = facts.modules[:depth]
        self._strides = facts.strides[:depth]

    def compute(self, images: Tensor) -> list[Tensor]:
        """Layers of images (B, 3, H, W), padded with their mean colour to whole nodes.

        Networks round other sizes each in their own way, and some refuse them.
        """
        rows, columns = (-(-side // GRID_STRIDE) for side in images.shape[2:])
        height, width = (GRID_STRIDE * max(FEWEST, nodes) for nodes in (rows, columns))
        padded = pad(images, (0, width - images.shape[3], 0, height - images.shape[2]))
        layers: list[Tensor] = cast(Any, self.network).forward_intermediates(
            padded, indices=self._maps, output_fmt="NCHW", intermediates_only=True
        )
        grid = layers[1].shape[2:] if len(layers) > 1 else layers[0].shape[2:]
        layers = [
            resize(layer, (grid[0], grid[1])) if stride > GRID_STRIDE else layer
            for layer, stride in zip(layers, self._strides, strict=True)
        ]
        if min(rows, columns) >= FEWEST:
            return layers
        finest, *others = layers
        return [finest[:, :, : 2 * rows, : 2 * columns], *(layer[:, :, :rows, :columns] for layer in others)]

    @property
    def weight_holder(self) -> nn.Module:
        """Timm's own module, without what comes after the last layer."""
        return self.network

    def up_to(self, layer: int) -> Iterable[nn.Module]:
        """The modules in the order in which they were made, to the end of the layer's."""
        if layer >= len(self._modules_of_layers):
            return [self.network]
        named = list(self.network.named_modules())
        last = self._modules_of_layers[layer - 1]
        end = 1 + max(
            place for place, (name, _) in enumerate(named) if name == last or name.startswith(f"{last}.")
        )
        return [
            module for place, (_, module) in enumerate(named) if place + len(list(module.modules())) <= end
        ]
