"""The dense inverse is the float64 solution, by every backend that runs without a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from difnet.config.errors import InputError, RunError
from difnet.diffusion import dense_inverse, transition_matrix
from difnet.diffusion.checks import DoesNotFitError
from difnet.diffusion.lu_backends import Backend
from tests.diffusion.conftest import examples
from tests.diffusion.reference import MIXING, exact_inverse, largest_difference, normal

cpu_backends = pytest.mark.parametrize("backend", ["scipy", "torch"])


@cpu_backends
@examples
@given(
    batch=st.integers(1, 3),
    classes=st.integers(1, 25),
    nodes=st.integers(1, 160),
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([0.1, MIXING, 3.0]),
    a=st.sampled_from([0.001, 0.1, 0.5, 1.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_agrees_with_numpy(
    *,
    backend: Backend,
    batch: int,
    classes: int,
    nodes: int,
    seed: int,
    scale: float,
    a: float,
    dtype: torch.dtype,
) -> None:
    transition = transition_matrix(normal(batch, 64, nodes, seed=seed, scale=scale, dtype=dtype))
    seeds = normal(batch, classes, nodes, seed=seed + 1, dtype=dtype)
    solution = dense_inverse(transition, seeds, a, backend)
    assert solution.dtype == dtype
    assert largest_difference(solution, exact_inverse(transition, seeds, a)) <= 1e-6 * float(
        seeds.abs().max()
    )


@cpu_backends
@pytest.mark.parametrize("batch", [2, 3])
@pytest.mark.parametrize("nodes", [141, 152, 171, 300])
@pytest.mark.parametrize("classes", [1, 21])
def test_batches_that_break_torch_lu(
    threads: int, backend: Backend, batch: int, nodes: int, classes: int
) -> None:
    transition = transition_matrix(normal(batch, 64, nodes, seed=nodes, scale=MIXING))
    seeds = normal(batch, classes, nodes, seed=classes).requires_grad_()
    solution = dense_inverse(transition, seeds, 0.1, backend)
    assert largest_difference(solution, exact_inverse(transition, seeds, 0.1)) <= 1e-6 * float(
        seeds.detach().abs().max()
    )
    weights = normal(batch, classes, nodes, seed=7)
    (gradient,) = torch.autograd.grad(solution, seeds, weights)
    assert largest_difference(gradient, exact_inverse(transition.mT, weights, 0.1)) <= 1e-5


@cpu_backends
def test_gradcheck_in_every_input(backend: Backend) -> None:
    transition = transition_matrix(normal(2, 4, 7, seed=0, dtype=torch.float64, scale=0.7)).requires_grad_()
    seeds = normal(2, 3, 7, seed=1, dtype=torch.float64).requires_grad_()
    a = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p, s, w: dense_inverse(p, s, w, backend), (transition, seeds, a))


def test_full_restart_returns_the_seeds() -> None:
    transition, seeds = transition_matrix(normal(1, 8, 40, seed=0, scale=MIXING)), normal(1, 3, 40, seed=1)
    assert torch.equal(dense_inverse(transition, seeds, 1.0), seeds)
    assert largest_difference(dense_inverse(transition, seeds, 1 - 1e-6), seeds) <= 1e-5


@cpu_backends
def test_half_precision_is_solved_in_float32(backend: Backend) -> None:
    features, seeds = normal(1, 64, 200, seed=0, scale=MIXING), normal(1, 5, 200, seed=1)
    transition = transition_matrix(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        solution = dense_inverse(transition, seeds, 0.1, backend)
    assert largest_difference(solution, exact_inverse(transition, seeds, 0.1)) <= 1e-5
    half = dense_inverse(transition, seeds.bfloat16(), 0.1, backend)
    assert half.dtype == torch.bfloat16
    assert largest_difference(half, exact_inverse(transition, seeds.bfloat16(), 0.1)) <= 2e-2


def test_backward_reuses_the_factorisation(monkeypatch: pytest.MonkeyPatch) -> None:
    from difnet.diffusion import dense

    count = 0
    factorise: Callable[..., Any] = dense.factorise

    def counting(matrix: Tensor, backend: str) -> Any:
        nonlocal count
        count += 1
        return factorise(matrix, backend)

    monkeypatch.setattr(dense, "factorise", counting)
    transition = transition_matrix(normal(2, 8, 30, seed=0)).requires_grad_()
    dense_inverse(transition, normal(2, 5, 30, seed=1), 0.2).sum().backward()
    assert count == 2, "one factorisation a batch item"


def test_empty() -> None:
    assert dense_inverse(torch.zeros(0, 4, 4), torch.zeros(0, 2, 4), 0.1).shape == (0, 2, 4)


@pytest.mark.parametrize("where", ["transition", "seeds"])
def test_values_that_are_not_finite(where: str, capfd: pytest.CaptureFixture[str]) -> None:
    inputs = {"transition": torch.full((1, 5, 5), 0.2), "seeds": torch.ones(1, 2, 5)}
    inputs[where][0, 0, 1] = torch.nan
    with pytest.raises(InputError, match=f"dense inverse, {where}: values that are not finite"):
        dense_inverse(**inputs, a=0.1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("a", [0.0, -0.1, 1.1, float("nan")])
def test_a_outside_its_range(a: float) -> None:
    with pytest.raises(InputError, match=r"must lie in \(0, 1\]"):
        dense_inverse(torch.eye(3)[None], torch.ones(1, 1, 3), a)


@pytest.mark.filterwarnings("ignore:.*Singular matrix")
def test_rows_that_do_not_sum_to_one_are_reported() -> None:
    with pytest.raises(RunError, match="do the rows of the transition sum to 1"):
        dense_inverse(torch.eye(3)[None] / 0.9, torch.ones(1, 1, 3), 0.1)


def test_too_large_fails_before_allocating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("difnet.diffusion.checks.free_memory", lambda device: 50_000)
    transition, seeds = torch.eye(200)[None], torch.ones(1, 1, 200)
    with pytest.raises(DoesNotFitError, match="at most 111 nodes, or the iterative inverse") as error:
        dense_inverse(transition, seeds, 0.1)
    assert "\n" not in str(error.value)
