"""What the operator tests share: inputs from a seed, the plain path, and a float64 reference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import settings
from torch import Tensor

examples = settings(deadline=None, derandomize=True, max_examples=25)

MIXING = 0.3
"""Standard deviation of features whose P mixes; at 1.0 and D = 64, P is the identity and tests vacuous."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Run each test at one compute thread, at which small operators are fastest."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request: pytest.FixtureRequest, one_thread: None) -> int:
    """Runs the test at one and at two compute threads."""
    torch.set_num_threads(request.param)
    return request.param


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
