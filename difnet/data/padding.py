"""The padding of images to one size for evaluation (`evaluate.pad`), such as the 505 x 505 of VOC.

B batch, H W image size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from difnet.config import EvaluateConfig
from difnet.data.augmentation import Normalisation, normalise
from difnet.data.dataset import VOID

Size = tuple[int, int]


def window(shape: Size, size: Size) -> tuple[slice, slice]:
    """Where an image lies in its padding: in the middle, an odd pixel more left and above.

    So does Python 2's rounding of a half, away from zero, in the authors' code.
    """
    top, left = ((room - length + 1) // 2 for length, room in zip(shape, size, strict=True))
    return slice(top, top + shape[0]), slice(left, left + shape[1])


def centred(maps: Tensor, size: Size, *, value: float) -> Tensor:
    """Pad maps to a size, see `window`.

    Args:
        maps: (..., H, W), not larger.
        size: Height and width of the result.
        value: Of the padding.
    """
    rows, columns = window((maps.shape[-2], maps.shape[-1]), size)
    sides = (columns.start, size[1] - columns.stop, rows.start, size[0] - rows.stop)
    return F.pad(maps, sides, value=value)


def padded(
    images: Tensor, labels: Tensor, evaluate: EvaluateConfig, normalisation: Normalisation
) -> tuple[Tensor, Tensor]:
    """Images and labels as the networks are scored on them: padded as `evaluate.pad` says, or as they are.

    Args:
        images: (B, 3, H, W), normalised.
        labels: (B, H, W).
        evaluate: Size and colour of the padding.
        normalisation: Of the images.

    Returns:
        The images in the middle of their mean, which is 0, or of black; the labels in the middle of void.
    """
    if evaluate.pad is None:
        return images, labels
    if evaluate.pad_colour == "mean":
        framed = centred(images, evaluate.pad, value=0)
    else:
        black = normalise(torch.zeros(1, *evaluate.pad, 3, dtype=torch.uint8), normalisation).to(images)
        rows, columns = window((images.shape[2], images.shape[3]), evaluate.pad)
        framed = black.repeat(len(images), 1, 1, 1)
        framed[:, :, rows, columns] = images
    return framed, centred(labels, evaluate.pad, value=VOID)
