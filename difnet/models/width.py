"""Networks of equal size: how wide a network must be to have as many parameters as its counterpart."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache

import torch
from torch import nn

from difnet.config import InputError, ModelConfig
from difnet.models.assemble import assemble

STEPS = 1024
"""Widths tried between one whole factor and the next."""
WIDEST = 4
TOLERANCE = 0.01
"""Largest relative difference of the numbers of parameters."""


def parameter_count(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def equal_width(config: ModelConfig, num_classes: int) -> float:
    """The width with which a network has as many parameters as its counterpart.

    Args:
        config: Of a DifNet, whose counterpart is the baseline of its depth, or of a baseline, whose
            counterpart is the default DifNet of its depth; the counterpart has width 1.
        num_classes: C.

    Raises:
        InputError: If no width brings the two within 1%.
    """
    kind, _, depth = config.name.partition("-")
    counterpart = f"{'deeplab' if kind == 'difnet' else 'difnet'}-{depth}"
    target = _size(ModelConfig(name=counterpart), num_classes, width=1.0)

    @cache
    def size(step: int) -> int:
        return _size(config, num_classes, width=step / STEPS)

    steps = range(1, WIDEST * STEPS)
    place = bisect_left(steps, target, key=size)
    nearest = min(steps[max(0, place - 1) : place + 1], key=lambda step: abs(size(step) - target))
    if abs(size(nearest) - target) > TOLERANCE * target:
        raise InputError(
            f"model.width: no width gives {config.name} the {target / 1e6:.2f} M parameters of {counterpart}"
        )
    return nearest / STEPS


def _size(config: ModelConfig, num_classes: int, *, width: float) -> int:
    """Parameters of a network, counted without computing their values."""
    with torch.device("meta"):
        return parameter_count(assemble(config, num_classes, width=width))
