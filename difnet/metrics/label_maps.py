"""Checked label maps: what every metric starts from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from difnet.config.errors import InputError
from difnet.metrics.arrays import Array, converted, library

VOID = 255
"""The label of a truth pixel that counts nowhere, whatever was predicted there."""
MAX_CLASSES = 256


@dataclass(frozen=True)
class LabelMaps:
    """A batch of predictions and truths, checked.

    Attributes:
        prediction: uint8 (B,H,W), labels below `num_classes`; 0 where void.
        truth: uint8 (B,H,W), labels below `num_classes`; 0 where void.
        valid: bool (B,H,W), false where the truth is void.
        num_classes: Number of classes, 1 to 256.
    """

    prediction: Array
    truth: Array
    valid: Array
    num_classes: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, height and width."""
        batch, height, width = self.truth.shape
        return batch, height, width

    def blocks(self) -> Iterator[LabelMaps]:
        """One image at a time in host memory (cache), the whole batch at once on a device."""
        if library(self.truth) is not np and self.truth.is_cuda:
            yield self
            return
        for image in range(self.shape[0]):
            one = slice(image, image + 1)
            yield LabelMaps(self.prediction[one], self.truth[one], self.valid[one], self.num_classes)


def label_maps(prediction: Array, truth: Array, num_classes: int) -> LabelMaps:
    """Check a pair of label maps and bring them to one form.

    Args:
        prediction: (H,W) or (B,H,W), NumPy or torch, any integer dtype; void pixels may hold anything.
        truth: Same shape, void = 255.
        num_classes: Number of classes, 1 to 256. With 256 classes the label 255 occurs in predictions only.

    Returns:
        The maps as a batch; tensors on a GPU stay there, all others become NumPy arrays.

    Raises:
        InputError: If shapes differ or hold no pixel, a dtype is not an integer one, or a label is out of
            range.
    """
    if isinstance(num_classes, bool) or not isinstance(num_classes, int | np.integer):
        raise InputError(f"num_classes must be an integer, not {num_classes!r}")
    if not 1 <= num_classes <= MAX_CLASSES:
        raise InputError(f"num_classes must be between 1 and {MAX_CLASSES}, not {num_classes}")
    prediction, truth = _same_library(prediction, truth)
    if tuple(prediction.shape) != tuple(truth.shape):
        raise InputError(
            f"prediction {tuple(prediction.shape)} and truth {tuple(truth.shape)} differ in shape; "
            "resize the prediction to the size of the truth first"
        )
    if truth.ndim not in {2, 3}:
        raise InputError(f"label maps must be (H,W) or (B,H,W), not {tuple(truth.shape)}")
    if 0 in truth.shape:
        raise InputError(f"label maps of shape {tuple(truth.shape)} hold no pixel")
    if truth.ndim == 2:
        prediction, truth = prediction[None], truth[None]
    valid = truth != VOID
    truth = _checked(truth, valid, num_classes, "truth", f"0..{num_classes - 1} or void = {VOID}")
    prediction = _checked(prediction, valid, num_classes, "prediction", f"0..{num_classes - 1}")
    return LabelMaps(prediction, truth, valid, int(num_classes))


def void_as_255(labels: Array, valid: Array) -> Array:
    """Labels with 255 at void pixels, where `LabelMaps` has 0: void then never is a minimum."""
    return labels | (converted(~valid, "uint8") * 255)


def _same_library(prediction: Array, truth: Array) -> tuple[Array, Array]:
    """Both as tensors of the truth's GPU if one of them lives on a GPU, else both as NumPy arrays."""
    for item in (truth, prediction):
        if library(item) is not np and item.is_cuda:
            as_tensor, device = library(item).as_tensor, item.device
            return as_tensor(prediction, device=device), as_tensor(truth, device=device)
    host = [
        np.asarray(item) if library(item) is np else item.detach().numpy() for item in (prediction, truth)
    ]
    return host[0], host[1]


def _checked(labels: Array, valid: Array, num_classes: int, name: str, allowed: str) -> Array:
    """Labels as uint8 with 0 where void, after their range was checked where valid.

    Raises:
        InputError: If the dtype is not an integer one, or a label at a valid pixel is out of range.
    """
    module = library(labels)
    if module is np:
        is_integer = np.issubdtype(labels.dtype, np.integer)
    else:
        is_integer = not (labels.is_floating_point() or labels.is_complex() or labels.dtype == module.bool)
    if not is_integer:
        raise InputError(f"{name} has dtype {labels.dtype}; label maps must be integers")
    counted = labels * valid
    low, high = int(counted.min()), int(counted.max())
    if low < 0 or high >= num_classes:
        bad = low if low < 0 else high
        raise InputError(f"{name} holds the label {bad}; allowed are {allowed}")
    return converted(counted, "uint8")
