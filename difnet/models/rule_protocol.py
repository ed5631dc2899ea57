"""What a diffusion rule is, and the calls that hold one of the user's own to it.

B batch, C classes, D embedding, N nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from difnet.config import InputError, ModelConfig
from difnet.models.custom_rules import file_of, is_custom, mistakes_in, place

NODES_TRIED = 64
LARGEST_DIFFERENCE = 0.01
"""Relative to the largest value: what two results that should be equal may differ by."""


class Diffusion(Protocol):
    """What a diffusion rule is: a `torch.nn.Module` with these two methods.

    Its parameters are trained with the rest of the network. Its class may declare two things more, which
    the gallery, the similarity explorer and `difnet predict --similarity` then show; it inherits them only
    together with `forward`.

    `linear = True`: The result is linear in the seeds, each class alone, whatever their number. What a node
    takes from every other is then a row, as of a transition matrix; beside it stand the rows of each level,
    of the kind `self.transition`, or else softmax.

    `states(self, levels, seeds)`: The signals (B, C, N) after the walks of each level, a list of as many; the
    last is what `forward` returns.
    """

    def __init__(self, config: ModelConfig) -> None:
        """Build the rule from the section `model` of the run, for example from `config.repeats`."""

    def forward(self, levels: list[Tensor], seeds: Tensor) -> Tensor:
        """Diffuse the seeds along the similarities.

        Args:
            levels: Node features (B, D, N), one tensor a level, in the order of `config.levels`.
            seeds: (B, C, N).

        Returns:
            (B, C, N), in the place of the seeds.
        """
        ...


def apply_rule(rule: nn.Module, levels: list[Tensor], seeds: Tensor) -> Tensor:
    """Diffuse seeds (B, C, N) along levels (B, D, N) by a rule.

    Raises:
        InputError: If a rule of the user's own fails or returns anything else, with file and line.
    """
    if not is_custom(rule):
        return rule(levels, seeds)  # type: ignore[no-any-return]
    path = file_of(type(rule))
    with mistakes_in(path, "diffusing the seeds"):
        result = rule(levels, seeds)
    if not isinstance(result, Tensor) or result.shape != seeds.shape:
        found = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise InputError(
            f"{place(path, type(rule).forward)}: forward returned {found}; "
            f"a tensor of the seeds' shape {tuple(seeds.shape)} is expected"
        )
    return result


def is_linear(rule: object) -> bool:
    """Whether the class of a rule declares `linear = True`; a layer of that name is no declaration."""
    return _declared(rule, "linear") is True


@torch.no_grad()
def check_linear(rule: nn.Module, levels: list[Tensor]) -> None:
    """Hold a rule that declares itself linear to f(2x - 3y) = 2 f(x) - 3 f(y), along levels (1, D, N).

    Random x and y and their combination are three classes of one signal: a rule that mixes classes is noticed
    as well. The rule is in evaluation mode.

    Raises:
        InputError: If a rule of the user's own is not linear, with file and line.
    """
    if not is_custom(rule):
        return
    x, y = torch.rand(2, levels[0].shape[2], generator=torch.Generator().manual_seed(0)).to(levels[0])
    fx, fy, together = apply_rule(rule, levels, torch.stack([x, y, 2 * x - 3 * y])[None])[0]
    if _differ(together, 2 * fx - 3 * fy):
        own = type(rule)
        raise InputError(
            f"{place(file_of(own), own)}: '{own.__name__}' declares linear = True, but is not "
            "linear in the seeds, each class alone; change the rule, or remove the declaration"
        )


def has_states(rule: object) -> bool:
    """Whether the class of a rule declares the method `states`."""
    return callable(_declared(rule, "states"))


@torch.no_grad()
def states_of(rule: nn.Module, levels: list[Tensor], seeds: Tensor) -> list[Tensor]:
    """The signals (B, C, N) after the walks of each level, by a rule that declares `states`.

    Raises:
        InputError: If a rule of the user's own fails or returns anything else, with file and line.
    """
    call: Callable[[list[Tensor], Tensor], list[Tensor]] = rule.states  # type: ignore[assignment]
    if not is_custom(rule):
        return call(levels, seeds)
    path = file_of(type(rule))
    with mistakes_in(path, "computing the states"):
        states = list(call(levels, seeds))
        shapes = [state.shape for state in states]
    if shapes != [seeds.shape] * len(levels) or _differ(states[-1], apply_rule(rule, levels, seeds)):
        raise InputError(
            f"{place(path, call)}: states must return one tensor of the seeds' shape {tuple(seeds.shape)} "
            f"for each of the {len(levels)} levels, the last what forward returns"
        )
    return states


def try_declared(rule: nn.Module, config: ModelConfig) -> None:
    """Notice a wrong declaration before anything is trained: to correct it afterwards is to train again.

    Raises:
        InputError: If the rule, in evaluation mode, is not what its class declares, with file and line.
    """
    generator = torch.Generator().manual_seed(0)
    shape = (1, config.embedding_dim, NODES_TRIED)
    levels = [torch.rand(shape, generator=generator) for _ in config.levels]
    if is_linear(rule):
        check_linear(rule, levels)
    if has_states(rule):
        states_of(rule, levels, torch.rand(1, 3, NODES_TRIED, generator=generator))


def _declared(rule: object, name: str) -> object:
    """What the class of a rule declares; of a class that it extends, only together with its `forward`."""
    for member in type(rule).__mro__:
        if name in vars(member):
            return vars(member)[name]
        if "forward" in vars(member):
            break
    return None


def _differ(one: Tensor, other: Tensor) -> bool:
    """Whether two results that should be equal are not, beyond rounding and the tolerance of a solver."""
    return not bool((one - other).abs().max() <= LARGEST_DIFFERENCE * other.abs().max())
