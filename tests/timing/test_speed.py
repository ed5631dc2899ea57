"""The operators are as fast as docs/performance.md says, in processor time of one thread (minutes)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import scipy.linalg
import torch
from torch import Tensor

from difnet.diffusion import dense_inverse, random_walk, transition_matrix
from difnet.diffusion.walk import attention_walk, plain_walk
from difnet.models import build

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


@pytest.mark.parametrize(("side", "batch"), [(21, 8), (36, 8), (65, 1)], ids=["held", "tiles", "large"])
def test_training_walk_on_a_level_of_a_network(side: int, batch: int) -> None:
    torch.manual_seed(0)
    network, images = build("difnet-nano", 21).train(), torch.randn(batch, 3, 8 * side, 8 * side)
    with torch.no_grad():
        _, levels = network.branches(images, (side, side))
    features, signal = levels[2], torch.randn(batch, 21, side**2)
    ours = step(random_walk, features, signal)
    assert speed_up(step(attention_walk, features, signal), ours) >= 1.15
    assert speed_up(step(plain_walk, features, signal), ours) >= 1.15


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
