"""One training image and its label as a step sees them: flipped, scaled, cropped, recoloured, normalised.

B batch, H x W pixels of a stored image, h x w pixels of what is taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from difnet.config import TrainConfig
from difnet.config.schema import IMAGENET, Colour
from difnet.data.dataset import Pixels

Normalisation = Literal["imagenet", "caffe"] | tuple[Colour, Colour]

CAFFE_MEAN = (104.00699, 116.66877, 122.67892)
"""Of the ImageNet training images, BGR, between 0 and 255: what the authors' code subtracts."""

BRIGHTNESS = (0.875, 1.125)
CONTRAST = (0.5, 1.5)
SATURATION = (0.5, 1.5)
HUE = (-0.05, 0.05)
"""Factors, and the shift of the hue in turns; the defaults of torchvision's `RandomPhotometricDistort`."""


@dataclass(frozen=True)
class View:
    """What is taken from an image, and how it is shown."""

    rows: slice
    columns: slice
    """The part of the stored image."""
    size: tuple[int, int]
    """Height h and width w that the part is resized to."""
    flip: bool
    corner: tuple[int, int] = (0, 0)
    """Where its first pixel lies in the padding."""


def draw_view(shape: tuple[int, int], train: TrainConfig, *, flip: bool, rng: np.random.Generator) -> View:
    """Scale an image by a random factor and cut out a random square, as one view.

    The part is a whole number of stored pixels, at most half a pixel from what the factor asks for.

    Args:
        shape: H and W.
        train: Range of the factors, side of the square, where a smaller image lies in it.
        flip: Mirror left and right.
        rng: Random numbers of this image.
    """
    side = train.crop
    factor = rng.uniform(*train.scale) if train.scale else 1.0
    (top, height, h), (left, width, w) = (_draw_part(length, factor, side, rng) for length in shape)
    if flip:
        left = shape[1] - left - width
    corner = (0, 0)
    if side and train.padding_offset == "random":
        corner = int(rng.integers(max(side - h, 1))), int(rng.integers(max(side - w, 1)))
    rows, columns = slice(top, top + height), slice(left, left + width)
    return View(rows, columns, size=(h, w), flip=flip, corner=corner)


def _draw_part(
    length: int, factor: float, side: int | None, rng: np.random.Generator
) -> tuple[int, int, int]:
    """Start and length of a part of an axis, and the length that it is resized to."""
    scaled = max(1, round(factor * length))
    if side is None:
        return 0, length, scaled
    part = length if scaled <= side else max(1, round(side / factor))
    return int(rng.integers(length - part + 1)), part, min(scaled, side)


def take(image: Pixels, label: Pixels, view: View) -> tuple[Tensor, Tensor]:
    """Look at an image: bilinearly with antialiasing, at its label by the nearest pixel.

    Both use the same pixel centres, so that outlines stay where they are.

    Args:
        image: The view's rows of the image, (rows, W, 3) uint8.
        label: The view's rows of the label, (rows, W) uint8.
        view: The part and its size.

    Returns:
        (h, w, 3) and (h, w) uint8.
    """
    part = torch.from_numpy(image[:, view.columns].copy())
    if view.flip:
        part = part.flip(1)
    height, width = part.shape[:2]
    if (height, width) != view.size:
        planes = part[None].permute(0, 3, 1, 2)
        part = interpolate(planes, view.size, mode="bilinear", antialias=True).permute(0, 2, 3, 1)[0]
    rows = _nearest(height, view.size[0])
    columns = view.columns.start + _nearest(width, view.size[1])
    nearest = label[rows][:, columns[::-1] if view.flip else columns]
    return part, torch.from_numpy(nearest)


def _nearest(length: int, resized: int) -> npt.NDArray[np.int64]:
    """The pixel whose centre is nearest, for each one of a resized axis."""
    return (2 * np.arange(resized) + 1) * length // (2 * resized)


def distort_colours(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Change brightness, contrast, saturation and hue, each with probability 1/2, by a random amount.

    Contrast comes before saturation and hue or, as often, after them. Colours are rounded once, at the end.

    Args:
        image: (h, w, 3) uint8, RGB.
        rng: Random numbers of this image.

    Returns:
        (h, w, 3) uint8.
    """
    import torchvision.transforms.v2.functional as F  # takes a second, and few recipes ask for it

    changes = [(F.adjust_brightness, BRIGHTNESS), (F.adjust_saturation, SATURATION), (F.adjust_hue, HUE)]
    changes.insert(1 if rng.random() < 0.5 else 3, (F.adjust_contrast, CONTRAST))
    pixels = image.permute(2, 0, 1) / 255
    for adjust, amounts in changes:
        if rng.random() < 0.5:
            pixels = adjust(pixels, rng.uniform(*amounts))
    return (255 * pixels).round().to(torch.uint8).permute(1, 2, 0)


def normalise(images: Tensor, normalisation: Normalisation = "imagenet") -> Tensor:
    """Images as the networks take them, with a mean of about 0, computed on the device that holds them.

    Args:
        images: (B, H, W, 3) uint8, RGB.
        normalisation: imagenet: minus the mean of ImageNet, over its standard deviation; caffe: BGR from 0 to
            255, minus the mean of ImageNet; or another mean and deviation, of colours from 0 to 1.

    Returns:
        (B, 3, H, W) float32, contiguous.
    """
    if normalisation == "caffe":
        images = images.flip(-1)
    scale, mean = _scale_and_mean(normalisation, images.device)
    return images.permute(0, 3, 1, 2).contiguous().to(torch.float32).mul_(scale).sub_(mean)


@cache
def _scale_and_mean(normalisation: Normalisation, device: torch.device) -> tuple[Tensor, Tensor]:
    """What colours are multiplied by and what is then subtracted, (3, 1, 1) each.

    Kept on the device: to copy them there in every step would make the host wait for a GPU.
    """
    if normalisation == "caffe":
        scale, mean = torch.ones(3), torch.tensor(CAFFE_MEAN)
    else:
        centre, deviation = map(torch.tensor, IMAGENET if normalisation == "imagenet" else normalisation)
        scale, mean = 1 / (255 * deviation), centre / deviation
    return scale[:, None, None].to(device), mean[:, None, None].to(device)
