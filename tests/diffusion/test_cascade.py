"""The cascade is the paper's recurrence, and approaches the dense inverse as its bound says."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from difnet.config.errors import InputError
from difnet.diffusion import Transition, cascade, make_transition, transition_matrix
from tests.diffusion.conftest import examples
from tests.diffusion.reference import MIXING, exact_inverse, largest_difference, normal


@pytest.mark.parametrize(
    "kind", [make_transition(), make_transition("cosine"), make_transition("top_k", k=5)]
)
def test_recurrence(kind: Transition) -> None:
    levels = [normal(2, width, 30, seed=width, scale=MIXING, dtype=torch.float64) for width in (3, 8, 5)]
    seeds = normal(2, 4, 30, seed=1, dtype=torch.float64)
    alphas, betas, repeats = [0.3, -1.0, 2.0], [-0.5, 0.1, -math.inf], [1, 3, 2]
    expected = seeds
    for features, alpha, beta, count in zip(levels, alphas, betas, repeats, strict=True):
        a, b = 1 / (1 + math.exp(-alpha)), 1 / (1 + math.exp(-beta)) if beta > -math.inf else 0.0
        transition = transition_matrix(features, transition=kind)
        for _ in range(count):
            walked = torch.einsum("bij,bcj->bci", transition, expected)
            expected = (1 - b) * ((1 - a) * walked + a * seeds) + b * expected
    assert (
        largest_difference(cascade(levels, seeds, alphas, betas, repeats, transition=kind), expected) <= 1e-7
    )


@examples
@given(seed=st.integers(0, 10**6), nodes=st.sampled_from([40, 600]), a=st.sampled_from([0.05, 0.3, 0.9]))
def test_approaches_the_dense_inverse_within_the_bound(seed: int, nodes: int, a: float) -> None:
    features = normal(1, 64, nodes, seed=seed, scale=MIXING)
    seeds = normal(1, 3, nodes, seed=seed + 1)
    limit = exact_inverse(transition_matrix(features.double()), seeds, a)
    start = largest_difference(seeds, limit)
    alpha = math.log(a / (1 - a))
    for walks in (1, 2, 5, 12):
        h = cascade([features], seeds, [alpha], [-math.inf], repeats=walks)
        assert largest_difference(h, limit) <= (1 - a) ** walks * start + 1e-5


def test_gradcheck_in_every_input() -> None:
    levels = [normal(2, 3, 7, seed=k, scale=0.7, dtype=torch.float64).requires_grad_() for k in range(2)]
    seeds = normal(2, 4, 7, seed=3, dtype=torch.float64).requires_grad_()
    scalars = [torch.tensor([x], dtype=torch.float64, requires_grad=True) for x in (0.2, -0.4, 0.1, -2.0)]

    def run(*inputs: torch.Tensor) -> torch.Tensor:
        return cascade(inputs[:2], inputs[2], inputs[3:5], inputs[5:], repeats=2)

    assert torch.autograd.gradcheck(run, (*levels, seeds, *scalars))


def test_full_restart_returns_the_seeds() -> None:
    seeds = normal(1, 4, 50, seed=0)
    assert torch.equal(cascade([normal(1, 8, 50, seed=1)], seeds, [math.inf], [-math.inf]), seeds)


def test_logits_of_hundreds_stay_finite() -> None:
    levels = [normal(1, 64, 600, seed=k, scale=3.0).requires_grad_() for k in range(3)]
    seeds = normal(1, 4, 600, seed=9)
    h = cascade(levels, seeds, [0.0] * 3, [0.0] * 3)
    h.square().sum().backward()
    assert float(h.detach().abs().max()) <= float(seeds.abs().max()) + 1e-5
    assert all(bool(level.grad.isfinite().all()) for level in levels if level.grad is not None)


def test_numbers_of_levels_must_agree() -> None:
    seeds = torch.zeros(1, 2, 5)
    with pytest.raises(InputError, match="2 levels need as many alphas, betas and repeats, not 1, 2 and 2"):
        cascade([torch.zeros(1, 3, 5)] * 2, seeds, [0.0], [0.0, 0.0])
    with pytest.raises(InputError, match="must be single numbers"):
        cascade([torch.zeros(1, 3, 5)], seeds, [torch.zeros(2)], [0.0])
    with pytest.raises(InputError, match="must not be negative"):
        cascade([torch.zeros(1, 3, 5)], seeds, [0.0], [0.0], repeats=-1)
