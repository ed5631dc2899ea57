"""A training image and its label scaled as in the authors' code (`train.scaling: tenths`): whole, by Pillow.

H x W pixels of a stored image, h x w pixels of what is taken from it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from difnet.config import TrainConfig
from difnet.data.dataset import Pixels


def scale_by_tenths(
    image: Pixels, label: Pixels, train: TrainConfig, *, flip: bool, rng: np.random.Generator
) -> tuple[Pixels, Pixels, tuple[int, int]]:
    """Mirror an image, scale it by 0.5, 0.6, ... and cut out a square.

    Its sides are those of the factor without the fraction of a pixel. It is resized bilinearly, with Pillow's
    antialiasing, its label to the nearest pixel.

    Args:
        image: (H, W, 3) uint8.
        label: (H, W) uint8.
        train: Range of the factors, side of the square, where a smaller image lies in it.
        flip: Mirror left and right.
        rng: Random numbers of this image.

    Returns:
        (h, w, 3) and (h, w) uint8, and where their first pixel lies in the padding.
    """
    if flip:
        image, label = image[:, ::-1], label[:, ::-1]
    low, high = train.scale or (1.0, 1.0)
    factor = low + int(rng.integers(round(10 * (high - low)) + 1)) / 10
    h, w = (max(1, int(length * factor)) for length in label.shape)
    scaled = Image.fromarray(image).resize((w, h), Image.Resampling.BILINEAR)
    nearest = Image.fromarray(label).resize((w, h), Image.Resampling.NEAREST)
    side = train.crop or max(h, w)
    offsets = [_offset(side - length, train, rng) for length in (h, w)]
    shown = tuple(slice(max(-offset, 0), max(-offset, 0) + side) for offset in offsets)
    top, left = (max(offset, 0) for offset in offsets)
    return np.asarray(scaled)[shown], np.asarray(nearest)[shown], (top, left)


def _offset(room: int, train: TrainConfig, rng: np.random.Generator) -> int:
    """Pixels of padding before an image along an axis; negative: pixels of the image that are cut off there.

    The authors draw one number between 0 and the difference of the lengths and exclude the upper of the two:
    a crop never starts at the first pixel, padding never ends at the last.

    Args:
        room: Side of the square less length of the image.
        train: Whether a smaller image lies at a random offset.
        rng: Random numbers of this image.
    """
    if room and train.padding_offset == "random":
        return int(rng.integers(min(room, 0), max(room, 0)))
    return -int(rng.integers(max(-room, 0) + 1))
