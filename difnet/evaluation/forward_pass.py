"""One forward pass of a network, recorded from outside: its prediction, and what its diffusion was given.

B batch, C classes, D embedding, h w grid, N = h*w nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from difnet.models import Prediction


@dataclass
class ForwardPass:
    """Of one image."""

    prediction: Prediction | None = None
    levels: list[Tensor] = field(default_factory=list)
    """What the diffusion was given: (1, D, N) each; empty where nothing is diffused."""
    seeds: Tensor | None = None
    """(1, C, N)."""

    def maps(self) -> dict[str, NDArray[np.uint8]]:
        """Scores before diffusion and importance, on the node grid (h, w).

        Returns:
            `scores`: the class with the highest score; `confidence`: its softmax, `importance`: both from 0
            to 255. A map that the network does not have is left out.
        """
        found: dict[str, NDArray[np.uint8]] = {}
        if self.prediction is None:
            return found
        if self.prediction.scores is not None:
            confidence, classes = self.prediction.scores[0].float().softmax(dim=0).max(dim=0)
            found |= {"scores": classes.to(torch.uint8).cpu().numpy(), "confidence": _bytes(confidence)}
        if self.prediction.importance is not None:
            found["importance"] = _bytes(self.prediction.importance[0, 0])
        return found


def device_of(network: nn.Module) -> torch.device:
    """Where a network lies. One without batch norm has no buffers, the pixel prior no parameters."""
    return next(chain(network.parameters(), network.buffers())).device


@contextmanager
def recorded(network: nn.Module) -> Iterator[ForwardPass]:
    """Record the passes of a network within the block; the last one counts."""
    record = ForwardPass()

    def keep_prediction(_: nn.Module, __: object, output: Prediction) -> None:
        record.prediction = output

    def keep_inputs(_: nn.Module, inputs: tuple[list[Tensor], Tensor]) -> None:
        record.levels, record.seeds = list(inputs[0]), inputs[1]

    handles = [network.register_forward_hook(keep_prediction)]
    if isinstance(diffusion := getattr(network, "diffusion", None), nn.Module):
        handles.append(diffusion.register_forward_pre_hook(keep_inputs))
    try:
        yield record
    finally:
        for handle in handles:
            handle.remove()


def _bytes(values: Tensor) -> NDArray[np.uint8]:
    """Values in [0, 1] as 0 to 255."""
    scaled: NDArray[np.uint8] = (255 * values.float()).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return scaled
