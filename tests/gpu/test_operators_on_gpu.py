"""The diffusion operators on a GPU: parity, no N x N, no copies through the host, stream order, memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from difnet.diffusion import cascade, dense_inverse, iterative_inverse, random_walk, transition_matrix
from difnet.diffusion.lu_backends import Backend, cupy_module, cupy_problem, factorise
from difnet.timing.cuda_graph import recorded
from tests.diffusion.reference import MIXING, exact_inverse, largest_difference, normal, plain_walk
from tests.gpu.conftest import host_bytes, peak_above

needs_cupy = pytest.mark.skipif(bool(cupy_problem(torch.device("cuda"))), reason="needs CuPy")
backends = pytest.mark.parametrize("backend", [pytest.param("cupy", marks=needs_cupy), "torch"])
NODES = 700


def inputs(classes: int = 21, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    features = normal(2, 64, NODES, seed=0, scale=MIXING, dtype=dtype)
    return features.cuda(), normal(2, classes, NODES, seed=1, dtype=dtype).cuda()


@pytest.mark.parametrize("classes", [1, 7, 11, 21, 59, 64, 150])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 2e-2), (torch.float16, 3e-3)],
)
def test_walk_equals_plain(dtype: torch.dtype, tolerance: float, classes: int) -> None:
    features, signal = inputs(classes, dtype)
    error = largest_difference(random_walk(features, signal), plain_walk(features, signal))
    assert error <= tolerance * float(signal.abs().max())


@pytest.mark.parametrize("classes", [7, 21, 150])
def test_derivatives_of_a_walk_are_those_of_the_plain_one(classes: int) -> None:
    leaves = [tensor.requires_grad_() for tensor in inputs(classes)]
    upstream = normal(2, classes, NODES, seed=2).cuda()
    found = torch.autograd.grad(random_walk(*leaves), leaves, upstream)
    exact = torch.autograd.grad(plain_walk(*leaves), leaves, upstream.double())
    for ours, theirs in zip(found, exact, strict=True):
        assert largest_difference(ours, theirs) <= 1e-4 * float(theirs.abs().max())


@pytest.mark.parametrize("embedding", [16, 64])
@pytest.mark.parametrize("classes", [7, 11, 21, 59, 150])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_walks_hold_no_matrix_forward_or_backward(dtype: torch.dtype, classes: int, embedding: int) -> None:
    """The path that PyTorch falls into where widths do not fit holds two of them forward alone."""
    nodes = 16384
    features = normal(1, embedding, nodes, seed=0, scale=MIXING, dtype=dtype).cuda().requires_grad_()
    signal = normal(1, classes, nodes, seed=1, dtype=dtype).cuda().requires_grad_()

    def step() -> None:
        torch.autograd.grad(random_walk(features, signal).sum(), (features, signal))

    step()
    assert peak_above(step) <= 0.2 * features.element_size() * nodes**2


def test_a_cascade_of_numbers_makes_no_host_wait() -> None:
    features, seeds = inputs()
    levels, zeros = [features] * 5, [0.0] * 5
    cascade(levels, seeds, zeros, zeros)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchroniz"):
            seeds.sum().item()  # what the mode is for
        cascade(levels, seeds, zeros, zeros)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_recorded_cascade_is_the_cascade() -> None:
    features, seeds = inputs()
    result = torch.empty_like(seeds)
    weights = [0.3] * 5

    def diffuse() -> None:
        with torch.no_grad():
            result.copy_(cascade([features] * 5, seeds, weights, weights))

    replay = recorded(diffuse)
    seeds.copy_(normal(*seeds.shape, seed=9))
    replay()
    expected = cascade([features] * 5, seeds, weights, weights)
    assert largest_difference(result, expected) <= 1e-6 * float(expected.abs().max())


@backends
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dense_backends_agree_with_numpy_forward_and_backward(backend: Backend, dtype: torch.dtype) -> None:
    features, seeds = inputs(dtype=dtype)
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


@backends
def test_no_matrix_goes_through_the_host(backend: Backend, tmp_path: Path) -> None:
    """Numbers that the solver looks at do; a matrix has 2 MB, and a copy of 360 kB is seen."""
    features, seeds = inputs()
    transition = transition_matrix(features).requires_grad_()

    def step() -> None:
        dense_inverse(transition, seeds, 0.1, backend).sum().backward()

    assert host_bytes(lambda: torch.ones(300, 300, device="cuda").cpu(), tmp_path) >= 360_000
    assert host_bytes(step, tmp_path) <= 4096


@needs_cupy
def test_a_copy_by_cupy_would_be_seen(tmp_path: Path) -> None:
    import cupy

    matrix = torch.ones(300, 300, device="cuda")
    assert host_bytes(lambda: cupy.asnumpy(cupy.from_dlpack(matrix) + 1), tmp_path) >= 360_000


@needs_cupy
def test_cupy_works_on_the_current_stream() -> None:
    """Asked of CuPy itself: on a device with streams out of order the values were right all the same."""
    import cupy

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream), cupy_module().scope(torch.device("cuda", torch.cuda.current_device())):
        assert cupy.cuda.get_current_stream().ptr == stream.cuda_stream


@needs_cupy
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_cupy_works_on_the_device_of_the_tensor() -> None:
    matrix = 3 * torch.eye(50, device="cuda:1")
    assert torch.cuda.current_device() == 0
    factorisation = factorise(matrix.clone(), "cupy")
    rows = torch.ones(2, 50, device="cuda:1")
    assert factorisation.lu.device == matrix.device
    assert largest_difference(factorisation.solve(rows, transposed=False), rows / 3) <= 1e-6


@backends
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
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_large_grids(operator: Callable[[Tensor, Tensor], Tensor], dtype: torch.dtype) -> None:
    features = normal(1, 64, 16384, seed=0, scale=MIXING, dtype=dtype).cuda()
    seeds = normal(1, 21, 16384, seed=1, dtype=dtype).cuda()
    operator(features, seeds)
    assert peak_above(lambda: operator(features, seeds)) <= 0.05 * 4 * 16384**2
