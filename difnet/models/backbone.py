"""What gives both branches their layers, and which part of it stays as it starts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, Self

from torch import Tensor, nn

from difnet.models.feature_memory import FeatureMemory

LAYERS = ("layer1", "layer2", "layer3", "layer4")


class Backbone(nn.Module):
    """Maps images (B, 3, H, W) to layer1 to layer4, (B, K, h, w) each."""

    def __init__(self) -> None:
        super().__init__()
        self._frozen: tuple[nn.Module, ...] = ()
        self._memory: FeatureMemory | None = None

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features of each layer built.

        Args:
            images: (B, 3, H, W).

        Returns:
            layer1 (B, K1, H/4, W/4), layer2 to layer4 (B, K, H/8, W/8).
        """
        if self._memory is not None and self.training:
            return self._memory.layers(images, self.compute)
        return self.compute(images)

    def compute(self, images: Tensor) -> list[Tensor]:
        """The same."""
        raise NotImplementedError

    def up_to(self, layer: int) -> Iterable[nn.Module]:
        """The modules that compute the layers up to the one of this number, as far as they are built."""
        raise NotImplementedError

    @property
    def weight_holder(self) -> nn.Module:
        """The module whose tensors have the names that given weights have."""
        return self

    def needs(self, name: str, tensor: Tensor) -> bool:
        """Whether given weights must hold this tensor: any but the counter of a batch norm."""
        return tensor.ndim > 0

    def freeze(self, layer: int) -> None:
        """From now on weights up to a layer get no gradient, and its batch norms keep their statistics."""
        self._frozen = tuple(self.up_to(layer))
        for module in self._frozen:
            module.requires_grad_(False).eval()

    def remember(self) -> None:
        """From now on keep what is computed in training for when an image comes again."""
        self._memory = FeatureMemory()

    def train(self, mode: bool = True) -> Self:
        """Set the training mode of all that is not frozen."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self


class BackboneShape(Protocol):
    """What a backbone is made of."""

    @property
    def channels(self) -> tuple[int, ...]:
        """K of layer1 to layer4."""

    def make(self, depth: int = 4) -> Backbone:
        """A backbone of so many of the four layers, with values that PyTorch's random numbers draw."""


def freeze_backbones(network: nn.Module, part: str, *, remember: bool = False) -> None:
    """Freeze the backbones of a network.

    Args:
        network: Of any kind.
        part: none, layer1 to layer3, or backbone: all of it.
        remember: Whether whole ones keep the features of images that they have seen, on a CPU.
    """
    if part == "none":
        return
    whole = part == "backbone"
    on_cpu = all(parameter.device.type == "cpu" for parameter in network.parameters())
    for module in network.modules():
        if isinstance(module, Backbone):
            module.freeze(len(LAYERS) if whole else 1 + LAYERS.index(part))
            if whole and remember and on_cpu:
                module.remember()
