"""The folded embedding of the image is convolution, batch norm and max-pooling."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d

from difnet.diffusion.walk import walk_path
from difnet.models import build
from difnet.models.embedding import ImageEmbedding

examples = settings(deadline=None, derandomize=True, max_examples=25)
sizes = st.tuples(
    st.integers(1, 3), st.integers(9, 40), st.integers(9, 40), st.integers(1, 9), st.integers(1, 9)
)


def embedding(seed: int, *, dtype: torch.dtype = torch.float64, dim: int = 6) -> ImageEmbedding:
    """With scales of both signs, one of them 0, and statistics that are not those of a new module."""
    torch.manual_seed(seed)
    built = ImageEmbedding(dim)
    with torch.no_grad():
        for values in (built[1].weight, built[1].bias, built[1].running_mean):
            values.normal_()
        built[1].weight[0] = 0
        built[1].running_var.uniform_(0.5, 2)
    return built.to(dtype)


def plain(module: ImageEmbedding, images: Tensor, grid: tuple[int, int]) -> Tensor:
    return adaptive_max_pool2d(nn.Sequential.forward(module, images), grid).flatten(2)


def results(call: object, module: ImageEmbedding, images: Tensor, grid: tuple[int, int]) -> dict[str, Tensor]:
    """Nodes, gradients of parameters and images, and buffers afterwards."""
    module = copy.deepcopy(module)
    images = images.clone().requires_grad_()
    nodes = call(module, images, grid)
    weights = torch.randn(nodes.shape, generator=torch.Generator().manual_seed(1)).to(nodes)
    (nodes * weights).sum().backward()
    gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
    return {"nodes": nodes.detach(), "images": images.grad, **gradients, **dict(module.named_buffers())}


def pictures(batch: int, height: int, width: int, seed: int) -> Tensor:
    """Colours whose channels are as correlated as those of photographs, in channels-last order."""
    generator = torch.Generator().manual_seed(seed)
    grey = torch.randn(batch, 1, height, width, generator=generator, dtype=torch.float64)
    tint = torch.randn(batch, 3, height, width, generator=generator, dtype=torch.float64)
    return (grey + 0.1 * tint + 0.5).to(memory_format=torch.channels_last)


@examples
@given(size=sizes, seed=st.integers(0, 10**6), training=st.booleans())
def test_equals_the_three_steps(size: tuple[int, ...], seed: int, training: bool) -> None:
    batch, height, width, *grid = size
    module, images = embedding(seed).train(training), pictures(batch, height, width, seed)
    expected = results(plain, module, images, tuple(grid))
    found = results(ImageEmbedding.__call__, module, images, tuple(grid))
    assert found.keys() == expected.keys()
    for name, value in found.items():
        assert torch.allclose(value, expected[name], rtol=1e-9, atol=1e-9), name
    assert int(found["1.num_batches_tracked"]) == int(training)


def test_single_precision_is_enough() -> None:
    module, images = embedding(0, dtype=torch.float32, dim=64), pictures(4, 64, 96, seed=0).float()
    found = results(ImageEmbedding.__call__, module, images, (8, 12))
    expected = results(plain, module.double(), images.double(), (8, 12))
    for name, value in found.items():
        largest = max(1.0, float(expected[name].abs().max()))
        assert float((value - expected[name]).abs().max()) <= 1e-4 * largest, name


def test_contiguous_images_and_autocast_give_the_same_nodes() -> None:
    module, images = embedding(0, dtype=torch.float32).eval(), pictures(2, 30, 40, seed=0).float()
    expected = module(images, (4, 5))
    assert torch.equal(module(images.contiguous(), (4, 5)), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(module(images, (4, 5)), expected)


def test_gradcheck() -> None:
    module, images = embedding(0, dim=3).train(), pictures(2, 7, 6, seed=3).requires_grad_()
    assert torch.autograd.gradcheck(lambda pixels: module(pixels, (2, 3)), images)


@pytest.mark.parametrize("value", [0.0, 1e4])
def test_images_of_one_colour(value: float) -> None:
    module, images = embedding(0).train(), torch.full((2, 3, 12, 12), value, dtype=torch.float64)
    assert torch.allclose(module(images, (3, 3)), module[1].bias[:, None], atol=1e-6)


def test_nan_stays_nan() -> None:
    module, images = embedding(0).train(), torch.full((2, 3, 12, 12), torch.nan)
    assert bool(module.float()(images, (3, 3)).isnan().all())


def test_a_norm_of_several_processes_sees_all_maps() -> None:
    class Counted(nn.BatchNorm2d):
        calls = 0

        def forward(self, maps: Tensor) -> Tensor:
            Counted.calls += 1
            return super().forward(maps)

    module = embedding(0)
    module[1].__class__ = Counted
    module(pictures(1, 9, 9, seed=0), (3, 3))
    assert Counted.calls == 1


@pytest.mark.parametrize("name", ["difnet-nano", "difnet-18"])
@pytest.mark.parametrize(
    ("size", "training", "evaluating"),
    [
        ((64, 64), "plain", "plain"),
        ((225, 225), "held", "held"),
        ((232, 240), "symmetric", "attention"),
        ((321, 321), "symmetric", "attention"),
    ],
)
def test_paths_that_the_levels_of_a_network_take(
    name: str, size: tuple[int, int], training: str, evaluating: str
) -> None:
    torch.manual_seed(0)
    network = build(name, 7).train()
    images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        _, levels = network.branches(images)
    assert len(levels) == 5
    for level in levels:
        assert walk_path(level, wants_gradient=True) == training
        assert walk_path(level, wants_gradient=False) == evaluating
