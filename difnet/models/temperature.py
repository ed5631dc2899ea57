"""Learned temperatures of the transition matrices.

B batch, D embedding, N nodes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from difnet.config import InputError, TransitionConfig
from difnet.diffusion import SOFTMAX, CosineTransition, SoftmaxTransition, Transition, make_transition

LEARNABLE: dict[str, type[SoftmaxTransition | CosineTransition]] = {
    "softmax": SoftmaxTransition,
    "cosine": CosineTransition,
}
"""Kinds whose temperature a scale of the embedded features can express."""


def transition_of(config: TransitionConfig) -> Transition:
    """The kind of transition matrix that a diffusion rule applies to the levels it is given.

    With a learned temperature that is plain softmax: `LearnedTemperature` has embedded the levels already.
    """
    if config.temperature == "learned":
        return SOFTMAX
    return make_transition(**config.model_dump(exclude_none=True))


class LearnedTemperature(nn.Module):
    """One learned temperature a level, as a scale of its features.

    Args:
        kind: Of transition matrix: softmax or cosine; its default temperature is the initial one.
        levels: Number of levels.

    Raises:
        InputError: If the kind is another one.
    """

    def __init__(self, kind: str, levels: int) -> None:
        super().__init__()
        if kind not in LEARNABLE:
            raise InputError(
                f"model.transition.temperature: 'learned' works with kind {' or '.join(LEARNABLE)}, "
                f"not {kind}; give a number"
            )
        self.unit = LEARNABLE[kind](temperature=1.0)
        start = math.log(LEARNABLE[kind]().temperature)
        self.log = nn.ParameterList([nn.Parameter(torch.full((1,), start)) for _ in range(levels)])
        """Logarithm of each temperature, shape (1,)."""

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """Features whose plain softmax walk is that of the kind at its temperature; (B, D, N) each."""
        return [
            self.unit.embed(level) * torch.exp(-log / 2) for level, log in zip(levels, self.log, strict=True)
        ]
