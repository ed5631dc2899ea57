"""The iterative inverse is the dense one within its tolerance, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from difnet.config.errors import InputError, RunError
from difnet.diffusion import iterative_inverse, iterative_solve, make_transition, transition_matrix
from difnet.diffusion.matrix_free import LevelProduct
from tests.diffusion.conftest import examples
from tests.diffusion.reference import MIXING, exact_inverse, largest_difference, normal


def clustered(nodes: int, *, seed: int, spread: float, dtype: torch.dtype) -> Tensor:
    """Features in twelve directions with norms up to 18: logits reach hundreds and P still mixes."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.nn.functional.normalize(normal(64, 12, seed=seed), dim=0)
    directions = centres[:, torch.randint(0, 12, (nodes,), generator=generator)]
    norms = 18 - spread * torch.rand(nodes, generator=generator)
    return (directions * norms + normal(64, nodes, seed=seed + 1, scale=0.05)).to(dtype)[None]


def mixed(levels: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    return sum(w * transition_matrix(f.double()) for w, f in zip(weights, levels, strict=True))  # type: ignore[return-value]


@examples
@given(
    batch=st.integers(1, 2),
    classes=st.integers(1, 22),
    nodes=st.sampled_from([1, 9, 150, 600]),
    scale=st.sampled_from([0.1, MIXING, 0.6]),
    weights=st.sampled_from([[1.0], [0.2, 0.8], [0.5, 0.0, 0.5]]),
    a=st.sampled_from([0.02, 0.1, 0.6, 1.0]),
    tol=st.sampled_from([1e-3, 1e-5]),
    seed=st.integers(0, 10**6),
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_dense_within_the_bound(
    *,
    dtype: torch.dtype,
    batch: int,
    classes: int,
    nodes: int,
    scale: float,
    weights: list[float],
    a: float,
    tol: float,
    seed: int,
) -> None:
    levels = [
        normal(batch, 16, nodes, seed=seed + k, scale=2 * scale, dtype=dtype) for k in range(len(weights))
    ]
    seeds = normal(batch, classes, nodes, seed=seed + 9, dtype=dtype)
    solution = iterative_solve(levels, seeds, a, tol, weights)
    assert solution.residual <= tol
    error = largest_difference(solution.values, exact_inverse(mixed(levels, weights), seeds, a))
    assert error <= 2 * tol / a * float(seeds.abs().max())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("spread", [0.1, 18.0])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("a", [0.01, 0.1])
def test_logits_of_hundreds(dtype: torch.dtype, spread: float, count: int, a: float) -> None:
    levels = [clustered(400, seed=k, spread=spread, dtype=dtype) for k in range(count)]
    seeds = normal(1, 5, 400, seed=9, dtype=dtype)
    assert float((levels[0].mT @ levels[0]).max()) > 200
    exact = exact_inverse(mixed(levels, [1 / count] * count), seeds, a)
    assert largest_difference(exact, seeds) > 0.5, "P is the identity: the test is vacuous"
    error = largest_difference(iterative_inverse(levels, seeds, a, 1e-5), exact)
    assert error <= 2e-5 / a * float(seeds.abs().max())


def test_methods_and_number_of_products() -> None:
    features, seeds = normal(1, 64, 1024, seed=0, scale=MIXING), normal(1, 21, 1024, seed=1)
    one = iterative_solve(features, seeds, 0.1, 1e-5)
    assert one.method == "conjugate gradients"
    assert one.products <= 20, "Neumann needs 110"
    mixture = iterative_solve([features, features.flip(2)], seeds, 0.1, 1e-5)
    assert mixture.method == "conjugate residuals"
    assert mixture.products <= 20


def circle(nodes: int, *, radius: float) -> Tensor:
    """Features on a circle: P is a local average, whose second eigenvalue is close to 1."""
    angles = torch.linspace(0, 2 * torch.pi, nodes + 1)[:-1]
    return radius * torch.stack([angles.cos(), angles.sin()])[None]


def test_neumann_finishes_when_conjugate_gradients_stagnate(monkeypatch: pytest.MonkeyPatch) -> None:
    features, seeds = circle(120, radius=6.0), normal(1, 3, 120, seed=1).cumsum(dim=-1)
    exact = exact_inverse(transition_matrix(features), seeds, 0.1)
    quick = iterative_solve(features, seeds, 0.1, 1e-5)
    monkeypatch.setattr("difnet.diffusion.krylov.PATIENCE", 0)
    slow = iterative_solve(features, seeds, 0.1, 1e-5)
    assert (quick.method, slow.method) == ("conjugate gradients", "conjugate gradients + neumann")
    assert 3 * quick.products < slow.products < 130
    for solution in (quick, slow):
        assert largest_difference(solution.values, exact) <= 2e-4 * float(seeds.abs().max())


@pytest.mark.parametrize("scale", [0.6, 3.0])
def test_both_products_are_p_and_its_transpose(scale: float) -> None:
    features = normal(2, 8, 700, seed=0, scale=scale, dtype=torch.float64)
    signal = normal(2, 3, 700, seed=1, dtype=torch.float64)
    transition = transition_matrix(features)
    product = LevelProduct(features)
    assert largest_difference(product.forward(signal), signal @ transition.mT) <= 1e-11
    assert largest_difference(product.transposed(signal), signal @ transition) <= 1e-11
    flow = product.log_measure.exp().unsqueeze(-1) * transition
    assert largest_difference(flow / flow.amax(), flow.mT / flow.amax()) <= 1e-11


@pytest.mark.parametrize("nodes", [7, 520])
def test_gradients_equal_those_of_the_dense_inverse(nodes: int) -> None:
    from difnet.diffusion import dense_inverse

    levels = [normal(2, 8, nodes, seed=k, scale=0.5, dtype=torch.float64).requires_grad_() for k in range(2)]
    seeds = normal(2, 3, nodes, seed=3, dtype=torch.float64).requires_grad_()
    a = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
    scores = normal(2, seed=4, dtype=torch.float64).requires_grad_()
    upstream = normal(2, 3, nodes, seed=5, dtype=torch.float64)
    inputs = (*levels, seeds, a, scores)
    weights = torch.softmax(scores, dim=0)
    transition = weights[0] * transition_matrix(levels[0]) + weights[1] * transition_matrix(levels[1])
    expected = torch.autograd.grad(dense_inverse(transition, seeds, a), inputs, upstream, retain_graph=True)
    got = torch.autograd.grad(iterative_inverse(levels, seeds, a, 1e-12, weights), inputs, upstream)
    for gradient, exact in zip(got, expected, strict=True):
        assert largest_difference(gradient, exact) <= 1e-8 * float(exact.abs().max())


@pytest.mark.parametrize("count", [1, 2])
def test_gradcheck_in_every_input(count: int) -> None:
    levels = [normal(2, 3, 6, seed=k, scale=0.7, dtype=torch.float64).requires_grad_() for k in range(count)]
    seeds = normal(2, 3, 6, seed=3, dtype=torch.float64).requires_grad_()
    a = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    scores = normal(count, seed=4, dtype=torch.float64).requires_grad_()

    def run(seeds: Tensor, a: Tensor, scores: Tensor, *levels: Tensor) -> Tensor:
        return iterative_inverse(levels, seeds, a, 1e-13, torch.softmax(scores, dim=0))

    assert torch.autograd.gradcheck(run, (seeds, a, scores, *levels))


def test_full_restart_and_empty() -> None:
    features, seeds = normal(1, 8, 40, seed=0, scale=MIXING), normal(1, 3, 40, seed=1)
    assert torch.equal(iterative_inverse(features, seeds, 1.0, 1e-5), seeds)
    assert iterative_inverse(features[:0], seeds[:0], 0.5, 1e-5).shape == (0, 3, 40)


def test_zero_seeds_give_zero() -> None:
    features = normal(1, 8, 40, seed=0, scale=MIXING)
    assert torch.equal(iterative_inverse(features, torch.zeros(1, 3, 40), 0.1, 1e-5), torch.zeros(1, 3, 40))


def test_half_precision_and_autocast() -> None:
    features, seeds = normal(1, 16, 600, seed=0, scale=0.5), normal(1, 3, 600, seed=1)
    exact = exact_inverse(transition_matrix(features), seeds, 0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert largest_difference(iterative_inverse(features, seeds, 0.1, 1e-5), exact) <= 1e-3
    assert iterative_inverse(features.bfloat16(), seeds.bfloat16(), 0.1, 1e-5).dtype == torch.bfloat16


def test_bad_arguments() -> None:
    features, seeds = normal(1, 4, 9, seed=0), normal(1, 2, 9, seed=1)
    with pytest.raises(InputError, match="2 numbers >= 0 that sum to 1"):
        iterative_inverse([features] * 2, seeds, 0.1, 1e-5, [0.5, 0.6])
    with pytest.raises(InputError, match="tol > 0"):
        iterative_inverse(features, seeds, 0.1, 0.0)
    with pytest.raises(InputError, match="TopKTransition needs its matrix: use the dense inverse"):
        iterative_inverse(features, seeds, 0.1, 1e-5, transition=make_transition("top_k"))


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize(
    ("features", "seeds", "message"),
    [
        (float("nan"), 1.0, "features: values that are not finite"),
        (float("inf"), 1.0, "features: values that are not finite"),
        (1e20, 1.0, "so large that numbers overflow"),
        (MIXING, float("nan"), "seeds: values that are not finite"),
        (MIXING, 1e39, "seeds: values that are not finite"),
    ],
)
def test_numbers_that_are_not_finite_end_it(levels: int, features: float, seeds: float, message: str) -> None:
    given = [normal(1, 8, 40, seed=level) * features for level in range(levels)]
    with pytest.raises((InputError, RunError), match=message):
        iterative_inverse(given, normal(1, 3, 40, seed=9) * seeds, 0.5, 1e-4)


@pytest.mark.parametrize("levels", [1, 2])
def test_a_gradient_that_is_not_finite_ends_it(levels: int) -> None:
    features = [normal(1, 8, 40, seed=level) * MIXING for level in range(levels)]
    seeds = normal(1, 3, 40, seed=9).requires_grad_()
    solution = iterative_inverse(features, seeds, 0.5, 1e-4)
    with pytest.raises(RunError, match="so large that numbers overflow"):
        solution.backward(torch.full_like(solution, torch.nan))


@pytest.mark.parametrize("levels", [1, 2])
def test_seeds_as_large_as_the_dtype_allows(levels: int) -> None:
    features = [normal(1, 8, 40, seed=level) * MIXING for level in range(levels)]
    seeds = normal(1, 3, 40, seed=9)
    largest = iterative_inverse(features, seeds * 1e38 / 4, 0.5, 1e-4) / (1e38 / 4)
    assert largest_difference(largest, iterative_inverse(features, seeds, 0.5, 1e-4)) <= 1e-3


def test_tolerance_below_the_dtype_is_a_run_error() -> None:
    features, seeds = normal(1, 16, 300, seed=0, scale=0.5), normal(1, 2, 300, seed=1)
    with pytest.raises(RunError, match="tol is 1e-12: raise tol, or use float64 seeds"):
        iterative_inverse(features, seeds, 0.1, 1e-12)
