"""Every kind of transition matrix is row-stochastic; all but `top_k` are reversible."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from difnet.config.errors import InputError, RunError
from difnet.diffusion import (
    DoublyStochasticTransition,
    TopKTransition,
    Transition,
    make_transition,
    random_walk,
    transition_matrix,
)
from difnet.diffusion.checks import DoesNotFitError
from tests.diffusion.conftest import examples
from tests.diffusion.reference import MIXING, largest_difference, normal

KINDS = [
    make_transition("softmax"),
    make_transition("softmax", temperature=2.0),
    make_transition("cosine"),
    make_transition("doubly_stochastic"),
    make_transition("top_k", k=7),
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=repr)


@every_kind
@examples
@given(
    seed=st.integers(0, 10**6),
    nodes=st.integers(1, 90),
    scale=st.sampled_from([0.1, MIXING, 1.0, 3.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_rows_sum_to_one(kind: Transition, seed: int, nodes: int, scale: float, dtype: torch.dtype) -> None:
    matrix = transition_matrix(normal(2, 16, nodes, seed=seed, scale=scale, dtype=dtype), transition=kind)
    assert matrix.shape == (2, nodes, nodes)
    assert float(matrix.min()) >= 0
    assert largest_difference(matrix.sum(dim=-1), torch.ones(2, nodes)) <= 1e-5


@every_kind
def test_permuting_nodes_permutes_the_matrix(kind: Transition) -> None:
    features = normal(1, 16, 40, seed=3, scale=MIXING)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(3))
    permuted = transition_matrix(features[:, :, order], transition=kind)
    expected = transition_matrix(features, transition=kind)[:, order][:, :, order]
    assert largest_difference(permuted, expected) <= 1e-6


@every_kind
def test_all_but_top_k_are_reversible(kind: Transition) -> None:
    """A reversible chain has the same probability around a triangle in both directions (Kolmogorov)."""
    matrix = transition_matrix(normal(1, 8, 12, seed=4, dtype=torch.float64, scale=0.5), transition=kind)[0]
    forward = torch.einsum("ij,jk,ki->ijk", matrix, matrix, matrix)
    backward = torch.einsum("ik,kj,ji->ijk", matrix, matrix, matrix)
    assert torch.allclose(forward, backward, rtol=1e-9, atol=1e-15) is not isinstance(kind, TopKTransition)


@every_kind
def test_embedding_walks_as_the_matrix(kind: Transition) -> None:
    features, signal = normal(1, 8, 30, seed=5, scale=0.6), normal(1, 4, 30, seed=6)
    embedded = kind.embed(features)
    if embedded is not None:
        walked = signal @ transition_matrix(features, transition=kind).mT
        assert largest_difference(random_walk(embedded, signal), walked) <= 1e-6
    else:
        assert isinstance(kind, (DoublyStochasticTransition, TopKTransition))


@every_kind
def test_gradcheck(kind: Transition) -> None:
    features = normal(2, 4, 9, seed=7, scale=0.7, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: transition_matrix(f, transition=kind), (features,))


@pytest.mark.parametrize("scale", [MIXING, 1.0, 4.0])
def test_doubly_stochastic_is_symmetric_with_unit_columns(scale: float) -> None:
    features = normal(1, 64, 50, seed=8, scale=scale, dtype=torch.float64)
    matrix = transition_matrix(features, transition=make_transition("doubly_stochastic"))
    assert largest_difference(matrix, matrix.mT) <= 1e-14
    assert largest_difference(matrix.sum(dim=-2), torch.ones(1, 50)) <= 1e-12


def test_doubly_stochastic_of_broken_features_is_a_run_error() -> None:
    with pytest.raises(RunError, match="are the features finite"):
        transition_matrix(torch.full((1, 2, 3), torch.nan), transition=make_transition("doubly_stochastic"))


def test_top_k_keeps_k_entries_a_row() -> None:
    matrix = transition_matrix(normal(2, 8, 20, seed=9, scale=MIXING), transition=TopKTransition(k=5))
    assert torch.equal((matrix > 0).sum(dim=-1), torch.full((2, 20), 5))


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("sofmax", {}, "unknown kind 'sofmax'"),
        ("softmax", {"k": 3}, "does not take k"),
        ("softmax", {"temperature": 0.0}, "temperature must be positive"),
        ("top_k", {"k": 0}, "k must be positive"),
    ],
)
def test_bad_parameters_are_input_errors(kind: str, parameters: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_transition(kind, **parameters)


def test_too_many_nodes_fail_before_allocating() -> None:
    with pytest.raises(
        DoesNotFitError, match="2000000 nodes need 32000.0 GB .* are free on cpu: use a grid of at"
    ):
        transition_matrix(torch.zeros(1, 1, 2_000_000))
