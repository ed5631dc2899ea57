"""The CUDA paths: parity, no copies through the host, stream order, memory returned."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from difnet.diffusion import cascade, dense_inverse, iterative_inverse, random_walk, transition_matrix
from difnet.diffusion.lu_backends import Backend
from tests.diffusion.conftest import MIXING, exact_inverse, largest_difference, normal, plain_walk

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
needs_cupy = pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="needs CuPy")
NODES = 700


def inputs(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    features = normal(2, 64, NODES, seed=0, scale=MIXING, dtype=dtype)
    return features.cuda(), normal(2, 21, NODES, seed=1, dtype=dtype).cuda()


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 2e-2), (torch.float16, 3e-3)],
)
def test_walk_equals_plain(dtype: torch.dtype, tolerance: float) -> None:
    features, signal = inputs(dtype)
    scale = float(signal.abs().max())
    error = largest_difference(random_walk(features, signal), plain_walk(features, signal))
    assert error <= tolerance * scale


@pytest.mark.parametrize("backend", [pytest.param("cupy", marks=needs_cupy), "torch"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dense_backends_agree_with_numpy_forward_and_backward(backend: Backend, dtype: torch.dtype) -> None:
    features, seeds = inputs(dtype)
    transition = transition_matrix(features).requires_grad_()
    seeds.requires_grad_()
    solution = dense_inverse(transition, seeds, 0.1, backend)
    assert solution.is_cuda
    assert largest_difference(solution.cpu(), exact_inverse(transition.cpu(), seeds.cpu(), 0.1)) <= 1e-5
    upstream = normal(2, 21, NODES, seed=2, dtype=dtype)
    gradients = torch.autograd.grad(solution, (transition, seeds), upstream.cuda())
    on_cpu = (transition.detach().cpu().requires_grad_(), seeds.detach().cpu().requires_grad_())
    expected = torch.autograd.grad(dense_inverse(*on_cpu, 0.1, "scipy"), on_cpu, upstream)
    for gradient, reference in zip(gradients, expected, strict=True):
        assert largest_difference(gradient.cpu(), reference) <= 1e-5 * float(reference.abs().max())


def test_iterative_equals_dense() -> None:
    features, seeds = inputs()
    exact = exact_inverse(transition_matrix(features).cpu(), seeds.cpu(), 0.1)
    error = largest_difference(iterative_inverse(features, seeds, 0.1, 1e-5).cpu(), exact)
    assert error <= 2e-4 * float(seeds.abs().max())


@pytest.mark.parametrize("backend", [pytest.param("cupy", marks=needs_cupy), "torch"])
def test_no_matrix_goes_through_the_host(backend: Backend) -> None:
    features, seeds = inputs()
    transition = transition_matrix(features).requires_grad_()

    def step() -> None:
        dense_inverse(transition, seeds, 0.1, backend).sum().backward()

    step()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], profile_memory=True) as record:
        step()
        torch.cuda.synchronize()
    host = [event for event in record.events() if event.cpu_memory_usage > 4096]
    assert not host, f"host allocations: {[(event.name, event.cpu_memory_usage) for event in host]}"


@needs_cupy
def test_cupy_follows_the_current_stream() -> None:
    features, seeds = inputs()
    transition = transition_matrix(features)
    expected = dense_inverse(transition, seeds, 0.1, "torch")
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(200_000_000)
        late = transition * 1.0
        solution = dense_inverse(late, seeds, 0.1, "cupy") * 1.0
    stream.synchronize()
    assert largest_difference(solution, expected) <= 1e-5


@pytest.mark.parametrize("backend", [pytest.param("cupy", marks=needs_cupy), "torch"])
def test_memory_is_returned(backend: Backend) -> None:
    features, seeds = inputs()

    def step() -> None:
        leaf = transition_matrix(features).requires_grad_()
        dense_inverse(leaf, seeds, 0.1, backend).sum().backward()
        torch.cuda.synchronize()

    step()
    held = torch.cuda.memory_allocated()
    for _ in range(5):
        step()
    assert torch.cuda.memory_allocated() == held


@needs_cupy
def test_cupy_keeps_no_pool_of_its_own() -> None:
    import cupy

    features, seeds = inputs()
    before = cupy.get_default_memory_pool().total_bytes()
    dense_inverse(transition_matrix(features), seeds, 0.1, "cupy")
    assert cupy.get_default_memory_pool().total_bytes() == before


def _walk(features: Tensor, seeds: Tensor) -> Tensor:
    return random_walk(features, seeds)


def _cascade(features: Tensor, seeds: Tensor) -> Tensor:
    return cascade([features] * 5, seeds, [0.0] * 5, [0.0] * 5)


@pytest.mark.parametrize("operator", [_walk, _cascade])
def test_walks_hold_no_matrix(operator: Callable[[Tensor, Tensor], Tensor]) -> None:
    features = normal(1, 64, 16384, seed=0, scale=MIXING, dtype=torch.bfloat16).cuda()
    seeds = normal(1, 21, 16384, seed=1, dtype=torch.bfloat16).cuda()
    operator(features, seeds)
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    operator(features, seeds)
    assert torch.cuda.max_memory_allocated() - held <= 0.05 * 4 * 16384**2
