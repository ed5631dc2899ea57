"""Random changes of the colours of one training image."""

from __future__ import annotations

import numpy as np
import torch
import torchvision.transforms.v2.functional as F
from torch import Tensor

BRIGHTNESS = (0.875, 1.125)
CONTRAST = (0.5, 1.5)
SATURATION = (0.5, 1.5)
HUE = (-0.05, 0.05)
"""Factors, and the shift of the hue in turns; the defaults of torchvision's `RandomPhotometricDistort`."""


def distort_colours(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Change brightness, contrast, saturation and hue, each with probability 1/2, by a random amount.

    Contrast comes before saturation and hue or, as often, after them. Colours are rounded once, at the end.

    Args:
        image: (h, w, 3) uint8, RGB.
        rng: Random numbers of this image.

    Returns:
        (h, w, 3) uint8.
    """
    changes = [(F.adjust_brightness, BRIGHTNESS), (F.adjust_saturation, SATURATION), (F.adjust_hue, HUE)]
    changes.insert(1 if rng.random() < 0.5 else 3, (F.adjust_contrast, CONTRAST))
    pixels = image.permute(2, 0, 1) / 255
    for adjust, amounts in changes:
        if rng.random() < 0.5:
            pixels = adjust(pixels, rng.uniform(*amounts))
    return (255 * pixels).round().to(torch.uint8).permute(1, 2, 0)
