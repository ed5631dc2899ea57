"""Weights of another run: for variants that are evaluated without a training of their own."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
from torch import Tensor, nn

from difnet.config import InputError, RunConfig, RunFolder

DIFFUSION = "diffusion."
"""Start of the names of a diffusion rule's parameters."""


def find_other(config: RunConfig, *, out: Path, source: Path | None) -> RunFolder:
    """The run whose weights a run with `weights_of` takes.

    Args:
        config: Of the run.
        out: Its directory.
        source: Directory of the other run; None for the sibling `../../OTHER/seed<k>`.

    Raises:
        InputError: If it is not trained.
    """
    other = source or out.resolve().parent.parent / str(config.weights_of) / f"seed{config.seed}"
    if not RunFolder(other).finished:
        raise InputError(
            f"{other}: holds no finished run; train it first: difnet train --benchmark {config.benchmark} "
            f"--ablation {config.weights_of} --seed {config.seed} --out {other}"
        )
    return RunFolder(other)


def take_weights(network: nn.Module, other: RunFolder) -> None:
    """Copy the weights of another network that differs in its diffusion rule alone.

    Of the rule, parameters that the configuration fixes and those that the other network does not have keep
    their initial values.

    Args:
        network: Takes the weights.
        other: The run of the other network.

    Raises:
        InputError: If its weights are damaged, or the networks differ in anything else.
    """
    theirs = safetensors.torch.load(other.weights())
    own: dict[str, Tensor] = network.state_dict()
    differing = [
        name
        for name in sorted({*own, *theirs})
        if (name in own) != (name in theirs) and not name.startswith(DIFFUSION)
    ]
    differing += [name for name in own if name in theirs and own[name].shape != theirs[name].shape]
    if differing:
        raise InputError(
            f"{other.path}: its network differs in more than the diffusion rule: '{differing[0]}' is "
            f"{_shape(own, differing[0])} here and {_shape(theirs, differing[0])} there; let 'weights_of' "
            "name an ablation whose model differs in the diffusion alone"
        )
    fixed = {name for name, parameter in network.named_parameters() if not parameter.requires_grad}
    network.load_state_dict(
        {name: theirs[name] if name in theirs and name not in fixed else own[name] for name in own}
    )


def _shape(state: dict[str, Tensor], name: str) -> str:
    return f"of shape {tuple(state[name].shape)}" if name in state else "absent"
