"""Predictions at the size of the image: `evaluate.pad`, `evaluate.scales` and `evaluate.flip`.

The networks take images of any size and their logits are upsampled to it, so nothing has to be padded.
Diffusion mixes all nodes, those of padding as well: padding changes the prediction, also far from the edges
of the image. A protocol that pads, such as that of VOC, is therefore a key of its own.

B batch, C classes, H W image size, h w grid.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from difnet.config import PROTOCOL, EvaluateConfig, RunConfig
from difnet.models.node_grid import resize

Size = tuple[int, int]
PLAIN = EvaluateConfig().model_dump(include=set(PROTOCOL))
"""One pass at the image's own size."""


def single_pass(config: RunConfig) -> RunConfig:
    """The run as if each of its images were predicted once, at its own size."""
    return config.model_copy(update={"evaluate": config.evaluate.model_copy(update=PLAIN)})


def mean_of_passes(
    network: nn.Module, images: Tensor, evaluate: EvaluateConfig, layout: torch.memory_format
) -> Tensor:
    """What the label maps are the largest of: the logits of one pass, or mean probabilities of several.

    Args:
        network: In evaluation mode.
        images: (B, 3, H, W), normalised.
        evaluate: Scales and flip.
        layout: Memory layout of the images.

    Returns:
        (B, C, H, W): bilinearly upsampled logits; with several passes the mean of their softmax.
    """
    size = images.shape[2], images.shape[3]
    passes = [
        (scale, mirrored) for scale in evaluate.scales for mirrored in (False, True)[: 1 + evaluate.flip]
    ]
    total = images.new_zeros(())
    for scale, mirrored in passes:
        view = _view(images, scale, mirrored=mirrored)
        upsampled = resize(network(view.to(memory_format=layout)).logits, size)
        if len(passes) == 1:
            return upsampled
        probabilities = upsampled.softmax(dim=1)
        total = total + (probabilities.flip(-1) if mirrored else probabilities)
    return total / len(passes)


def _view(images: Tensor, scale: float, *, mirrored: bool) -> Tensor:
    """Images resized by a factor, with antialiasing as in training, and mirrored."""
    if scale != 1.0:
        size = [max(1, round(scale * length)) for length in images.shape[-2:]]
        images = F.interpolate(images, size, mode="bilinear", antialias=True)
    return images.flip(-1) if mirrored else images
