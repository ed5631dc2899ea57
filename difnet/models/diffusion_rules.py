"""Diffusion rules as modules: they hold the learned scalars and call the operators of `difnet.diffusion`.

B batch, C classes, D embedding, N nodes. Every rule maps levels [(B, D, N), ...] and seeds (B, C, N) to
the diffused seeds (B, C, N). Within a rule, alpha and beta are pre-sigmoid parameters of shape (1,).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from difnet.config import ModelConfig, TransitionConfig, project_root
from difnet.diffusion import (
    SOFTMAX,
    Transition,
    cascade,
    dense_inverse,
    iterative_inverse,
    make_transition,
    transition_matrix,
)
from difnet.models.custom_rules import file_of, load_diffusion, mistakes_in
from difnet.models.rule_protocol import try_declared

ITERATIVE_TOLERANCE = 1e-5


class Cascade(nn.Module):
    """One random walk a level with learned restart and skip weights (DifNet, section 3.3)."""

    linear = True

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.repeats = config.repeats
        self.transition = _transition_of(config.transition)
        self.alpha = nn.ParameterList([_scalar(config.restart) for _ in config.levels])
        self.beta = nn.ParameterList([_scalar(config.skip) for _ in config.levels])

    def forward(self, levels: list[Tensor], seeds: Tensor) -> Tensor:
        return cascade(
            levels, seeds, list(self.alpha), list(self.beta), self.repeats, transition=self.transition
        )

    def states(self, levels: list[Tensor], seeds: Tensor) -> list[Tensor]:
        """The signal after the walks of each level."""
        alphas, betas = list(self.alpha), list(self.beta)
        return [
            cascade(
                levels[:walked],
                seeds,
                alphas[:walked],
                betas[:walked],
                self.repeats,
                transition=self.transition,
            )
            for walked in range(1, len(levels) + 1)
        ]


class DenseInverse(nn.Module):
    """The closed form a (I - (1-a) P)^-1 seeds, with P a learned convex mixture of the levels."""

    linear = True

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.transition = _transition_of(config.transition)
        self.alpha = _scalar(config.restart)
        self.mixture = nn.Parameter(torch.zeros(len(config.levels)))

    def forward(self, levels: list[Tensor], seeds: Tensor) -> Tensor:
        weights = torch.softmax(self.mixture, dim=0)
        transition = sum(
            weight * transition_matrix(level, transition=self.transition)
            for weight, level in zip(weights, levels, strict=True)
        )
        return dense_inverse(transition, seeds, torch.sigmoid(self.alpha))


class IterativeInverse(DenseInverse):
    """The same closed form, with the same parameters, solved without building P."""

    linear = True

    def forward(self, levels: list[Tensor], seeds: Tensor) -> Tensor:
        weights = torch.softmax(self.mixture, dim=0)
        return iterative_inverse(
            levels,
            seeds,
            torch.sigmoid(self.alpha),
            tol=ITERATIVE_TOLERANCE,
            weights=weights,
            transition=self.transition,
        )


DIFFUSERS: dict[str, type[nn.Module]] = {
    "cascade": Cascade,
    "dense_inverse": DenseInverse,
    "iterative_inverse": IterativeInverse,
}


def make_rule(config: ModelConfig) -> nn.Module:
    """The diffusion rule that `model.diffusion` names: one of the library, or a class in `ablations/NAME.py`.

    Raises:
        InputError: If there is no such rule, or the user's own is broken.
    """
    if rule := DIFFUSERS.get(config.diffusion):
        return rule(config)
    custom = load_diffusion(project_root(), config.diffusion)
    with mistakes_in(file_of(custom), "building the rule"):
        built = custom(config)
    if torch.get_default_device().type != "meta":  # there, nothing has a value
        try_declared(built.eval(), config)
    return built.train()


def _scalar(weight: float | str) -> nn.Parameter:
    """A pre-sigmoid scalar of shape (1,): learned from 0, or fixed at a weight in [0, 1]."""
    if isinstance(weight, str):
        return nn.Parameter(torch.zeros(1))
    odds = math.inf if weight == 1.0 else weight / (1.0 - weight)
    logit = math.log(odds) if odds > 0 else -math.inf
    return nn.Parameter(torch.tensor([logit]), requires_grad=False)


def _transition_of(config: TransitionConfig) -> Transition:
    """The kind of transition matrix that a diffusion rule applies to the levels it is given.

    With a learned temperature that is plain softmax: `LearnedTemperature` has embedded the levels already.
    """
    if config.temperature == "learned":
        return SOFTMAX
    return make_transition(**config.model_dump(exclude_none=True))
