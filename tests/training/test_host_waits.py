"""What a training step computes makes no host wait for a GPU, on tensors that have a device but no values.

PyTorch's fake tensors are on "cuda" here without one: an operation that looks at a value fails, and one with
tensors on two devices is a copy, for which the host waits. Only the backward pass needs a real device
(tests/gpu/test_training.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.nn.attention import SDPBackend
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from difnet.data import augmentation
from difnet.data.batches import Batch
from difnet.diffusion import cascade, walk
from difnet.models import build
from difnet.training.recipe import count_labelled, segmentation_loss


class Copies(TorchDispatchMode):
    """Collects the operations whose tensors are on two devices."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)]
        if len({tensor.device.type for tensor in tensors}) > 1:
            self.found.append(str(func))
        return result


@pytest.fixture(autouse=True)
def any_attention(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without a device no kernel is found fit, so attention may take the path that needs none."""
    monkeypatch.setattr(walk, "FUSED", [*walk.FUSED, SDPBackend.MATH])
    augmentation._scale_and_mean.cache_clear()
    yield
    augmentation._scale_and_mean.cache_clear()


def move(network: nn.Module) -> None:
    """Give a network parameters and buffers without values on a GPU."""
    for module in network.modules():
        for own, kind in ((module._parameters, nn.Parameter), (module._buffers, Tensor.detach)):
            for name, tensor in own.items():
                if tensor is not None:
                    own[name] = kind(torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda"))


def images_and_labels() -> tuple[Tensor, Tensor]:
    """Of a batch that lies on the GPU already; its copy there waits for nothing, being from pinned memory."""
    pixels = torch.zeros(2, 64, 72, 3, dtype=torch.uint8, device="cuda")
    batch = Batch(
        pixels,
        pixels[..., 0],
        windows=((slice(0, 64), slice(0, 72)), (slice(2, 52), slice(3, 63))),
        names=("a", "b"),
        normalisation="imagenet",
        padding_colour="mean",
    )
    return batch.images, batch.labels


@pytest.mark.parametrize("name", ["difnet-nano", "deeplab-nano"])
def test_forward_pass_and_loss(name: str) -> None:
    network = build(name, num_classes=5).train()
    with FakeTensorMode():
        move(network)
        images_and_labels()  # the first batch of all copies the means of the colours
        with Copies() as copies:
            images, labels = images_and_labels()
            loss = segmentation_loss(network(images).logits, labels, count_labelled(labels))
    assert loss.device.type == "cuda" and copies.found == []


def test_a_cascade_of_numbers() -> None:
    """As it is timed: alpha and beta are not parameters there."""
    with FakeTensorMode(), Copies() as copies:
        features, seeds = (torch.empty(1, width, 100, device="cuda") for width in (64, 21))
        cascade([features] * 2, seeds, [0.0, 0.3], [0.0, -math.inf])
    assert copies.found == []


def test_what_makes_the_host_wait_is_found() -> None:
    with FakeTensorMode(), Copies() as copies:
        torch.zeros(3, device="cuda") * torch.tensor([1.0, 2.0, 3.0]).to("cuda")
        with pytest.raises(DataDependentOutputException):
            float(torch.zeros(3, device="cuda").sum())
    assert copies.found == ["aten._to_copy.default"]
