"""The fused walk is the plain walk."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from difnet.config.errors import InputError
from difnet.diffusion import random_walk
from difnet.diffusion.gaussian_walk import TILE, GaussianWalk
from difnet.diffusion.walk import (
    FEWEST_TILED_NODES,
    MOST_HELD_NODES,
    attention_walk,
    holds_matrix,
    takes_tiles,
)
from tests.diffusion.conftest import MIXING, examples, largest_difference, normal, plain_walk

shapes = st.tuples(
    st.integers(1, 3),
    st.integers(1, 70),
    st.integers(1, 80),
    st.sampled_from([1, 7, 65, MOST_HELD_NODES, MOST_HELD_NODES + 1, 512, 700, 1025]),
)


def draw(
    shape: tuple[int, int, int, int], seed: int, scale: float, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    batch, embedding, classes, nodes = shape
    return (
        normal(batch, embedding, nodes, seed=seed, scale=scale, dtype=dtype),
        normal(batch, classes, nodes, seed=seed + 1, dtype=dtype),
    )


@examples
@given(shape=shapes, seed=st.integers(0, 10**6), scale=st.sampled_from([0.05, MIXING, 1.0]))
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 2e-2), (torch.float16, 3e-3)],
)
def test_fused_equals_plain(
    dtype: torch.dtype, tolerance: float, shape: tuple[int, int, int, int], seed: int, scale: float
) -> None:
    features, signal = draw(shape, seed, scale, dtype)
    walked = random_walk(features, signal)
    assert walked.dtype == dtype
    assert largest_difference(walked, plain_walk(features, signal)) <= tolerance * max(
        1.0, float(signal.abs().max())
    )


@examples
@given(seed=st.integers(0, 10**6), nodes=st.sampled_from([5, 200, 600]), scale=st.sampled_from([MIXING, 3.0]))
def test_constants_are_preserved(seed: int, nodes: int, scale: float) -> None:
    features = normal(2, 64, nodes, seed=seed, scale=scale)
    constant = normal(2, 3, 1, seed=seed).expand(2, 3, nodes)
    assert largest_difference(random_walk(features, constant), constant) <= 1e-5


@examples
@given(seed=st.integers(0, 10**6), nodes=st.sampled_from([30, 600]))
def test_permuting_nodes_permutes_the_result(seed: int, nodes: int) -> None:
    features, signal = draw((1, 16, 4, nodes), seed, MIXING, torch.float32)
    order = torch.randperm(nodes, generator=torch.Generator().manual_seed(seed))
    permuted = random_walk(features[:, :, order], signal[:, :, order])
    assert largest_difference(permuted, random_walk(features, signal)[:, :, order]) <= 1e-5


@pytest.mark.parametrize("nodes", [400, 700])
@pytest.mark.parametrize("scale", [2.0, 4.0])
def test_logits_of_hundreds(nodes: int, scale: float) -> None:
    centres = normal(1, 64, 9, seed=1, scale=scale)
    features = centres.repeat(1, 1, nodes)[:, :, :nodes] + normal(1, 64, nodes, seed=2, scale=0.02)
    signal = normal(1, 5, nodes, seed=3)
    assert float((features.mT @ features).max()) > 200
    walked = random_walk(features, signal)
    assert largest_difference(walked, signal) > 0.5, "P is the identity: the test is vacuous"
    assert largest_difference(walked, plain_walk(features, signal)) <= 1e-3


def test_channels_last_and_gradients_of_strided_input() -> None:
    images = normal(2, 16, 24, 25, seed=0, scale=MIXING).to(memory_format=torch.channels_last)
    features = images.flatten(2).requires_grad_()
    signal = normal(2, 600, 5, seed=1).mT.requires_grad_()
    assert not features.is_contiguous()
    weights = normal(2, 5, 600, seed=2)
    gradients = torch.autograd.grad((random_walk(features, signal) * weights).sum(), (features, signal))
    expected = torch.autograd.grad((plain_walk(features, signal) * weights).sum(), (features, signal))
    for gradient, exact in zip(gradients, expected, strict=True):
        assert largest_difference(gradient, exact) <= 1e-5 * float(exact.abs().max())


@pytest.mark.parametrize("shape", [(0, 8, 3, 9), (2, 8, 0, 9), (2, 8, 3, 0)])
def test_empty(shape: tuple[int, int, int, int]) -> None:
    features, signal = draw(shape, 0, 1.0, torch.float32)
    assert random_walk(features, signal).shape == signal.shape


@examples
@given(
    nodes=st.sampled_from([TILE - 1, TILE, TILE + 1, 2 * TILE + 5]),
    classes=st.integers(1, 70),
    seed=st.integers(0, 10**6),
)
def test_gradients_of_both_paths_agree(nodes: int, classes: int, seed: int) -> None:
    features, signal = draw((2, 24, classes, nodes), seed, MIXING, torch.float64)
    weights = normal(2, classes, nodes, seed=seed + 2, dtype=torch.float64)
    results = []
    for walk in (GaussianWalk.apply, attention_walk):
        inputs = (features.clone().requires_grad_(), signal.clone().requires_grad_())
        walked = walk(*inputs)
        results.append((walked, *torch.autograd.grad(walked, inputs, weights)))
    for ours, reference in zip(*results, strict=True):
        assert largest_difference(ours, reference) <= 1e-11 * float(reference.detach().abs().max())


@pytest.mark.parametrize(
    "walk", [GaussianWalk.apply, random_walk, attention_walk], ids=["tiles", "held", "attention"]
)
def test_gradcheck(walk: object) -> None:
    features = normal(2, 4, 9, seed=0, scale=0.7, dtype=torch.float64).requires_grad_()
    signal = normal(2, 5, 9, seed=1, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(walk, (features, signal))


def test_threads_do_not_matter(threads: int) -> None:
    features, signal = draw((2, 64, 21, 1500), 5, MIXING, torch.float32)
    assert largest_difference(random_walk(features, signal), plain_walk(features, signal)) <= 1e-5


def test_autocast_does_not_round_the_logits() -> None:
    features, signal = draw((1, 64, 5, 600), 0, MIXING, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for nodes in (200, 300, 600):
            walked = random_walk(features[:, :, :nodes], signal[:, :, :nodes])
            assert (
                largest_difference(walked, plain_walk(features[:, :, :nodes], signal[:, :, :nodes])) <= 1e-5
            )


def test_paths_are_chosen_by_size_and_norm() -> None:
    assert holds_matrix(torch.zeros(1, 64, MOST_HELD_NODES))
    assert not holds_matrix(torch.zeros(1, 64, MOST_HELD_NODES + 1))
    many, few = FEWEST_TILED_NODES, FEWEST_TILED_NODES - 1
    assert takes_tiles(normal(1, 64, many, seed=0, scale=MIXING))
    assert not takes_tiles(normal(1, 64, few, seed=0, scale=MIXING))
    assert not takes_tiles(normal(1, 64, many, seed=0, scale=3.0))
    assert not takes_tiles(torch.full((1, 64, many), torch.nan))


def test_wrong_shapes_are_input_errors() -> None:
    with pytest.raises(InputError, match=r"must be a floating-point tensor of shape \(2, classes, 9\)"):
        random_walk(torch.zeros(2, 3, 9), torch.zeros(2, 3, 8))
    with pytest.raises(InputError, match="features must be"):
        random_walk(torch.zeros(3, 9), torch.zeros(2, 3, 9))
