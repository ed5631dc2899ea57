"""The operators are as fast as docs/performance.md says, in processor time of one thread (minutes)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import scipy.linalg
import torch
from torch import Tensor

from difnet.diffusion import dense_inverse, iterative_inverse, random_walk, transition_matrix

pytestmark = pytest.mark.slow

NODES = 4225


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def speed_up(reference: Callable[[], object], ours: Callable[[], object], *, repeats: int = 5) -> float:
    """Median over interleaved pairs of reference time over our time."""

    def seconds(call: Callable[[], object]) -> float:
        start = time.process_time()
        call()
        return time.process_time() - start

    ratios = [seconds(reference) / seconds(ours) for _ in range(repeats + 1)][1:]
    return sorted(ratios)[repeats // 2]


def step(operator: Callable[[Tensor, Tensor], Tensor], left: Tensor, right: Tensor) -> Callable[[], object]:
    def run() -> None:
        leaves = [left.detach().requires_grad_(), right.detach().requires_grad_()]
        torch.autograd.grad(operator(*leaves), leaves, torch.ones_like(right))

    return run


def plain_walk(features: Tensor, signal: Tensor) -> Tensor:
    return signal @ torch.softmax(features.mT @ features, dim=-1).mT


@pytest.mark.parametrize(("nodes", "both"), [(NODES, 1.3), (9216, 1.8)])
def test_fused_walk(nodes: int, both: float) -> None:
    features, signal = 0.3 * torch.randn(1, 64, nodes), torch.randn(1, 21, nodes)
    assert speed_up(lambda: plain_walk(features, signal), lambda: random_walk(features, signal)) >= 2.0
    assert speed_up(step(plain_walk, features, signal), step(random_walk, features, signal)) >= both


def test_dense_inverse() -> None:
    transition = transition_matrix(0.3 * torch.randn(1, 64, NODES))
    seeds = torch.randn(1, 21, NODES)

    def explicit() -> Tensor:
        system = torch.eye(NODES) - 0.9 * transition[0]
        return 0.1 * seeds[0] @ torch.from_numpy(scipy.linalg.inv(system.numpy())).mT

    def solve(transition: Tensor, seeds: Tensor) -> Tensor:
        return dense_inverse(transition, seeds, 0.1)

    assert speed_up(explicit, lambda: solve(transition, seeds)) >= 3.0
    assert speed_up(step(solve, transition, seeds), lambda: solve(transition, seeds)) <= 1.4


def test_iterative_inverse() -> None:
    features, seeds = 0.3 * torch.randn(1, 64, 9216), torch.randn(1, 21, 9216)
    ratio = speed_up(
        lambda: dense_inverse(transition_matrix(features), seeds, 0.1),
        lambda: iterative_inverse(features, seeds, 0.1, 1e-5),
        repeats=1,
    )
    assert ratio >= 1.5
