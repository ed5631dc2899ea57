"""The fused walk is the plain walk."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from difnet.config.errors import InputError
from difnet.diffusion import random_walk
from difnet.diffusion.held_walk import HeldWalk
from difnet.diffusion.symmetric_walk import LARGEST_SQUARE, TILE, SymmetricWalk
from difnet.diffusion.walk import MOST_HELD_NODES, WALKS, attention_walk, attention_widths, walk_path
from tests.diffusion.conftest import examples
from tests.diffusion.reference import MIXING, largest_difference, normal, plain_walk

shapes = st.tuples(
    st.integers(1, 3),
    st.integers(1, 70),
    st.integers(1, 80),
    st.sampled_from([1, 7, 65, 300, MOST_HELD_NODES, MOST_HELD_NODES + 1, 1025]),
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
@given(seed=st.integers(0, 10**6), nodes=st.sampled_from([5, 200, 900]), scale=st.sampled_from([MIXING, 3.0]))
def test_constants_are_preserved(seed: int, nodes: int, scale: float) -> None:
    features = normal(2, 64, nodes, seed=seed, scale=scale)
    constant = normal(2, 3, 1, seed=seed).expand(2, 3, nodes)
    assert largest_difference(random_walk(features, constant), constant) <= 1e-5


@examples
@given(seed=st.integers(0, 10**6), nodes=st.sampled_from([30, 900]))
def test_permuting_nodes_permutes_the_result(seed: int, nodes: int) -> None:
    features, signal = draw((1, 16, 4, nodes), seed, MIXING, torch.float32)
    order = torch.randperm(nodes, generator=torch.Generator().manual_seed(seed))
    permuted = random_walk(features[:, :, order], signal[:, :, order])
    assert largest_difference(permuted, random_walk(features, signal)[:, :, order]) <= 1e-5


@pytest.mark.parametrize("nodes", [400, 900])
@pytest.mark.parametrize("scale", [2.0, 4.0])
def test_logits_of_hundreds(nodes: int, scale: float) -> None:
    centres = normal(1, 64, 9, seed=1, scale=scale)
    features = centres.repeat(1, 1, nodes)[:, :, :nodes] + normal(1, 64, nodes, seed=2, scale=0.02)
    signal = normal(1, 5, nodes, seed=3)
    assert float((features.mT @ features).max()) > 200
    walked = random_walk(features, signal)
    assert largest_difference(walked, signal) > 0.5, "P is the identity: the test is vacuous"
    assert largest_difference(walked, plain_walk(features, signal)) <= 1e-3


@pytest.mark.parametrize("height", [24, 36])
def test_channels_last_and_gradients_of_strided_input(height: int) -> None:
    images = normal(2, 16, height, 25, seed=0, scale=MIXING).to(memory_format=torch.channels_last)
    features = images.flatten(2).requires_grad_()
    signal = normal(2, 25 * height, 5, seed=1).mT.requires_grad_()
    assert not features.is_contiguous()
    weights = normal(2, 5, 25 * height, seed=2)
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
    nodes=st.sampled_from([1, 130, TILE - 1, TILE, TILE + 1, 2 * TILE + 5]),
    classes=st.integers(1, 70),
    scale=st.sampled_from([0.0, MIXING, 1.0]),
    seed=st.integers(0, 10**6),
)
@pytest.mark.parametrize("walk", [HeldWalk.apply, SymmetricWalk.apply], ids=["held", "symmetric"])
def test_gradients_are_those_of_attention(
    walk: object, nodes: int, classes: int, scale: float, seed: int
) -> None:
    features, signal = draw((2, 24, classes, nodes), seed, scale, torch.float64)
    weights = normal(2, classes, nodes, seed=seed + 2, dtype=torch.float64)
    assert_equal_steps(walk, attention_walk, features, signal, weights, tolerance=1e-11)


def assert_equal_steps(
    walk: object, reference: object, features: Tensor, signal: Tensor, weights: Tensor, *, tolerance: float
) -> None:
    """Result and both gradients, relative to the largest entry of each in double precision."""
    results = []
    for call, dtype in ((walk, features.dtype), (reference, torch.float64)):
        inputs = [tensor.to(dtype).requires_grad_() for tensor in (features, signal)]
        walked = call(*inputs)
        results.append((walked, *torch.autograd.grad(walked, inputs, weights.to(dtype))))
    for ours, exact in zip(*results, strict=True):
        assert largest_difference(ours, exact) <= tolerance * max(1.0, float(exact.detach().abs().max()))


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
def test_gradcheck(walk: object) -> None:
    features = normal(2, 4, 9, seed=0, scale=0.7, dtype=torch.float64).requires_grad_()
    signal = normal(2, 5, 9, seed=1, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(walk, (features, signal))


def test_gradcheck_over_several_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("difnet.diffusion.symmetric_walk.TILE", 4)
    monkeypatch.setattr("difnet.diffusion.symmetric_walk.ROWS", 5)
    monkeypatch.setattr("difnet.diffusion.held_walk.GROUP_ENTRIES", 200)
    for walk in (SymmetricWalk.apply, HeldWalk.apply):
        features = normal(3, 4, 10, seed=0, scale=0.7, dtype=torch.float64).requires_grad_()
        signal = normal(3, 5, 10, seed=1, dtype=torch.float64).requires_grad_()
        assert torch.autograd.gradcheck(walk, (features, signal))


def mixed_norms(nodes: int, *, largest: float) -> Tensor:
    """Features (1, 64, N) whose squared norms lie between 1 and `largest`, most of them small."""
    directions = torch.nn.functional.normalize(normal(1, 64, nodes, seed=0) + 0.5, dim=1)
    squares = largest ** torch.linspace(0, 1, nodes).square()
    return directions * squares[torch.randperm(nodes, generator=torch.Generator().manual_seed(1))].sqrt()


@pytest.mark.parametrize("nodes", [MOST_HELD_NODES, MOST_HELD_NODES + 1, 1100])
@pytest.mark.parametrize("largest", [500.0, 0.99 * LARGEST_SQUARE])
def test_norms_of_networks(nodes: int, largest: float) -> None:
    features, signal = mixed_norms(nodes, largest=largest), normal(1, 7, nodes, seed=2)
    assert walk_path(features, wants_gradient=True) == ("held" if nodes <= MOST_HELD_NODES else "symmetric")
    weights = normal(1, 7, nodes, seed=3)
    transition = torch.softmax((features.mT @ features).double(), dim=-1)
    assert 0.05 < float(transition.diagonal(dim1=1, dim2=2).mean()) < 0.8, "P is the identity: vacuous"
    assert_equal_steps(random_walk, plain_walk, features, signal, weights, tolerance=2e-5)


@pytest.mark.parametrize("nodes", [100, 400, 900])
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e-3, 1.0, 1e4])
def test_norms_from_nothing_to_those_of_hubs(nodes: int, scale: float) -> None:
    """The small ones walk to the mean, the large ones stay where they are."""
    features = normal(1, 64, nodes, seed=0, scale=scale).requires_grad_()
    signal = normal(1, 3, nodes, seed=1)
    walked = random_walk(features, signal)
    stays = signal if scale >= 1 else signal.mean(dim=-1, keepdim=True).expand_as(signal)
    if scale != 1e-3:
        assert largest_difference(walked, stays) <= 1e-5
    (gradient,) = torch.autograd.grad(walked.square().sum(), features)
    assert bool(gradient.isfinite().all())


@pytest.mark.parametrize("nodes", [100, 400, 900])
def test_one_hub(nodes: int) -> None:
    features, signal = normal(1, 8, nodes, seed=0, scale=MIXING), normal(1, 3, nodes, seed=1)
    features[0, :, 7] *= 1e4 / features[0, :, 7].norm()
    weights = normal(1, 3, nodes, seed=2)
    assert_equal_steps(random_walk, plain_walk, features, signal, weights, tolerance=1e-3)


@pytest.mark.parametrize("nodes", [100, 400, 900])
@pytest.mark.parametrize("value", [float("nan"), 1e20, float("inf")])
def test_numbers_that_are_not_finite_show(nodes: int, value: float) -> None:
    features = normal(1, 8, nodes, seed=0, scale=MIXING)
    features[0, :, 3] = value
    walked = random_walk(features.requires_grad_(), normal(1, 3, nodes, seed=1))
    assert not bool(walked[0, :, 3].isfinite().any())


def test_threads_do_not_matter(threads: int) -> None:
    features, signal = draw((2, 64, 21, 1500), 5, MIXING, torch.float32)
    assert largest_difference(random_walk(features, signal), plain_walk(features, signal)) <= 1e-5


@pytest.mark.parametrize("nodes", [200, 400, 900])
@pytest.mark.parametrize("training", [False, True])
def test_autocast_does_not_round_the_logits(nodes: int, training: bool) -> None:
    features, signal = draw((1, 64, 5, nodes), 0, MIXING, torch.float32)
    features.requires_grad_(training)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        walked = random_walk(features, signal)
    assert largest_difference(walked, plain_walk(features, signal)) <= 1e-5
    if training:
        (gradient,) = torch.autograd.grad(walked, features, signal)
        (exact,) = torch.autograd.grad(plain_walk(features, signal), features, signal.double())
        assert largest_difference(gradient, exact) <= 1e-4 * float(exact.abs().max())


def test_paths_are_chosen_by_size_norm_and_use() -> None:
    tiny, few, many = (torch.zeros(2, 64, n) for n in (256, MOST_HELD_NODES, MOST_HELD_NODES + 1))
    assert walk_path(tiny, wants_gradient=True) == walk_path(tiny, wants_gradient=False) == "plain"
    assert walk_path(few, wants_gradient=True) == walk_path(few, wants_gradient=False) == "held"
    assert walk_path(many, wants_gradient=True) == "symmetric"
    assert walk_path(many, wants_gradient=False) == "attention"
    for value in ((LARGEST_SQUARE * 1.01 / 64) ** 0.5, torch.nan):
        assert walk_path(torch.full_like(many, value), wants_gradient=True) == "attention"


@pytest.mark.parametrize(
    ("embedding", "classes", "dtype", "expected"),
    [
        (64, 21, torch.float32, (64, 24)),
        (64, 150, torch.float32, (64, 152)),
        (64, 11, torch.float32, (64, 16)),
        (16, 21, torch.float32, (16, 24)),
        (16, 59, torch.float32, (16, 64)),
        (3, 1, torch.float32, (8, 8)),
        (64, 21, torch.bfloat16, (64, 64)),
        (64, 150, torch.float16, (152, 152)),
    ],
)
def test_widths_on_a_gpu_are_those_of_its_kernels(
    embedding: int, classes: int, dtype: torch.dtype, expected: tuple[int, int]
) -> None:
    """Multiples of 8; in single precision the value is no wider than it must be."""
    assert attention_widths(embedding, classes, device="cuda", dtype=dtype) == expected


@pytest.mark.parametrize(("embedding", "classes"), [(64, 21), (64, 150), (5, 5)])
def test_widths_on_the_cpu_are_equal(embedding: int, classes: int) -> None:
    widths = attention_widths(embedding, classes, device="cpu", dtype=torch.float32)
    assert widths == (max(embedding, classes),) * 2


@pytest.mark.parametrize(
    ("dtype", "refused"), [(torch.float32, True), (torch.bfloat16, True), (torch.float64, False)]
)
@pytest.mark.parametrize("classes", [7, 21, 150])
def test_attention_on_a_gpu_refuses_the_path_that_holds_the_matrix(
    dtype: torch.dtype, classes: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tensors without values, on "cuda": what reaches PyTorch's attention, and what it may do there."""
    seen = []

    def attention(query: Tensor, key: Tensor, value: Tensor, *, scale: float) -> Tensor:
        seen.append((query.shape[-1], value.shape[-1], torch.backends.cuda.math_sdp_enabled()))
        return value

    monkeypatch.setattr("difnet.diffusion.walk.scaled_dot_product_attention", attention)
    with FakeTensorMode():
        features, signal = (torch.empty(2, w, 900, device="cuda", dtype=dtype) for w in (64, classes))
        assert attention_walk(features, signal).shape == signal.shape
    widths = attention_widths(64, classes, device="cuda", dtype=dtype)
    assert seen == [(*widths, not refused)] and torch.backends.cuda.math_sdp_enabled()


def test_wrong_shapes_are_input_errors() -> None:
    with pytest.raises(InputError, match=r"must be a floating-point tensor of shape \(2, classes, 9\)"):
        random_walk(torch.zeros(2, 3, 9), torch.zeros(2, 3, 8))
    with pytest.raises(InputError, match="features must be"):
        random_walk(torch.zeros(3, 9), torch.zeros(2, 3, 9))
