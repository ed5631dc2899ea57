"""Random changes of one training image and its label, from the image's own random numbers."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

Normalisation = Literal["imagenet", "caffe"]

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of the ImageNet training images, RGB, between 0 and 1."""
CAFFE_MEAN = (104.00699, 116.66877, 122.67892)
"""Of the ImageNet training images, BGR, between 0 and 255: what the authors' code subtracts."""


def normalise(images: Tensor, normalisation: Normalisation = "imagenet") -> Tensor:
    """Images as the networks take them, with a mean of about 0.

    Args:
        images: (B, H, W, 3) uint8, RGB.
        normalisation: imagenet: minus the mean of ImageNet, over its standard deviation; caffe: BGR from 0 to
            255, minus the mean of ImageNet.

    Returns:
        (B, 3, H, W) float32, contiguous.
    """
    pixels = images.to(torch.float32)
    if normalisation == "caffe":
        pixels = pixels.flip(-1).sub_(torch.tensor(CAFFE_MEAN))
    else:
        scale = 1 / (255 * torch.tensor(STD))
        pixels = pixels.mul_(scale).sub_(torch.tensor(MEAN) / torch.tensor(STD))
    return pixels.permute(0, 3, 1, 2).contiguous()


def rescale(
    image: Tensor, label: Tensor, *, factors: tuple[float, float], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Resize by a random factor: the image bilinear with antialiasing, the label to the nearest pixel.

    Both use the same pixel centres, so that outlines stay where they are.

    Args:
        image: (H, W, 3) uint8.
        label: (H, W) uint8.
        factors: Smallest and largest factor; every one between them is as likely.
        rng: Random numbers of this image.

    Returns:
        (h, w, 3) and (h, w).
    """
    factor = rng.uniform(*factors)
    size = [max(1, round(factor * side)) for side in label.shape]
    resized = interpolate(image.permute(2, 0, 1)[None], size, mode="bilinear", antialias=True)[0]
    label = interpolate(label[None, None], size, mode="nearest-exact")[0, 0]
    return resized.permute(1, 2, 0), label


def crop(
    image: Tensor, label: Tensor, *, side: int, padding: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Cut out a random square; where the image is smaller, pad right and below with the mean.

    Args:
        image: (3, H, W) normalised, so that its mean is 0.
        label: (H, W) uint8.
        side: Height and width of the square in pixels.
        padding: Label of the padding.
        rng: Random numbers of this image.

    Returns:
        (3, side, side) and (side, side).
    """
    top, left = (int(rng.integers(max(length - side, 0) + 1)) for length in label.shape)
    image = image[:, top : top + side, left : left + side]
    label = label[top : top + side, left : left + side]
    below, right = (side - length for length in label.shape)
    return pad(image, (0, right, 0, below)), pad(label, (0, right, 0, below), value=padding)
