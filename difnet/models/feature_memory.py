"""Features of a backbone that is not trained, kept for when an image comes again.

B batch, H W image size, K channels, h w grid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from torch import Tensor

MOST_BYTES = 2**31
"""That are kept; images beyond are computed each time."""


class FeatureMemory:
    """Layers of images, by what their pixels are.

    Always computed one image at a time, so that rounding depends neither on what is kept nor on the rest of a
    batch: a training that continues, with nothing kept, gets the same bits.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, list[Tensor]] = {}
        self._room = MOST_BYTES

    def layers(self, images: Tensor, compute: Callable[[Tensor], list[Tensor]]) -> list[Tensor]:
        """Layers (B, K, h, w) of images (B, 3, H, W), which `compute` gives."""
        each = [self._layers_of(image, compute) for image in torch.split(images, 1)]
        return [torch.cat(layers) for layers in zip(*each, strict=True)]

    def _layers_of(self, image: Tensor, compute: Callable[[Tensor], list[Tensor]]) -> list[Tensor]:
        key = hashlib.blake2b(image.contiguous().numpy().data, digest_size=16).digest()
        if key in self._kept:
            return self._kept[key]
        layers = compute(image)
        size = sum(layer.nbytes for layer in layers)
        if size <= self._room:
            self._room -= size
            self._kept[key] = layers
        return layers
