"""The training-free floor: each pixel's class frequencies over the training labels.

B batch, C classes, H W image size.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, one_hot

from difnet.models.difnet import Prediction


class PixelPrior(nn.Module):
    """Predicts at each position the class that was most frequent there in training."""

    counts: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("counts", torch.zeros(num_classes, 1, 1))

    def fit(self, labels: Iterable[Tensor]) -> None:
        """Count the classes at each position of the first label, to which others are resized (nearest pixel).

        Args:
            labels: Label maps (H, W) uint8, void = 255.
        """
        num_classes = self.counts.shape[0]
        counts: Tensor | None = None
        for label in labels:
            if counts is None:
                counts = torch.zeros(num_classes, *label.shape)
            resized = interpolate(label[None, None], counts.shape[1:], mode="nearest-exact")[0, 0]
            classes = one_hot(resized.long().clamp(max=num_classes), num_classes + 1)[..., :num_classes]
            counts += classes.permute(2, 0, 1)
        if counts is not None:
            self.counts = counts

    def forward(self, images: Tensor) -> Prediction:
        """(B, 3, H, W) -> Prediction whose logits are the class frequencies (B, C, H, W)."""
        frequencies = self.counts / self.counts.sum(dim=0, keepdim=True).clamp(min=1)
        logits = frequencies.expand(images.shape[0], -1, -1, -1)
        return Prediction(logits=logits, scores=None, importance=None, seeds=None)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Take the stored counts whatever their size."""
        self.counts = state_dict[f"{prefix}counts"].clone()
        super()._load_from_state_dict(state_dict, prefix, *args)
