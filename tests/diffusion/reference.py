"""Inputs from a seed, the plain path, and a float64 reference."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

MIXING = 0.3
"""Standard deviation of features whose P mixes; at 1.0 and D = 64, P is the identity and tests vacuous."""


def normal(*shape: int, seed: int, scale: float = 1.0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normal random numbers that depend on the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(*shape, generator=generator, dtype=torch.float64)).to(dtype)


def plain_walk(features: Tensor, signal: Tensor) -> Tensor:
    """softmax(F^T F) h as one would write it first, in float64."""
    features, signal = features.double(), signal.double()
    return signal @ torch.softmax(features.mT @ features, dim=-1).mT


def exact_inverse(transition: Tensor, seeds: Tensor, a: float) -> Tensor:
    """a (I - (1-a) P)^-1 seeds by NumPy in float64."""
    system = np.eye(transition.shape[-1]) - (1 - a) * transition.detach().double().numpy()
    solution = np.linalg.solve(system, a * seeds.detach().double().numpy().swapaxes(1, 2))
    return torch.from_numpy(solution.swapaxes(1, 2))


def largest_difference(left: Tensor, right: Tensor) -> float:
    """max |left - right|."""
    return float((left.detach().double() - right.detach().double()).abs().max())
