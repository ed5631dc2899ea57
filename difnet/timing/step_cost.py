"""What a training step on one image computes and keeps: counted without computing it.

The network runs on PyTorch's `meta` device, whose tensors have shapes but no values. The diffusion, which may
look at values, is left out there and counted by formula.

B batch, C classes, D embedding, h w grid, N = h*w nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from difnet.config import ModelConfig
from difnet.models import DifNet, Prediction, build_from_config, parameter_count
from difnet.training import segmentation_loss

PRODUCTS_OF_A_SOLVER = 15
"""Products with P that the iterative inverse takes, forward or backward (docs/performance.md)."""
MATRICES_KEPT = {"top_k": 1, "doubly_stochastic": 3}
"""N x N matrices a level of the kinds whose walks build P."""
SINGLE = 4
"""Bytes of a number in single precision."""


@dataclass(frozen=True)
class StepCost:
    """Of a training step, but for the update of the weights."""

    parameters: int
    operations: int
    """Floating-point operations in products and convolutions, forward and backward, of one image."""
    activations: int
    """Bytes that one image keeps from the forward pass for the backward pass."""


def step_cost(model: ModelConfig, *, classes: int, size: tuple[int, int], half: bool) -> StepCost:
    """Count a training step on one image.

    Args:
        model: Of the run; for `pixel_prior`, which is not trained by steps, all counts are 0.
        classes: C.
        size: Height and width of the image.
        half: Whether convolutions compute in bfloat16.
    """
    if model.name == "pixel_prior":
        return StepCost(0, 0, 0)
    with torch.device("meta"):
        network = build_from_config(model.model_copy(update={"weights": None}), classes).train()
        images, labels = torch.empty(1, 3, *size), torch.zeros(1, *size, dtype=torch.int64)
    parameters = parameter_count(network)
    diffuses = getattr(network, "diffusion", None) is not None
    if isinstance(network, DifNet):
        network.diffuse = _undiffused  # type: ignore[method-assign]
    if half:
        network, images = network.bfloat16(), images.bfloat16()
    kept = _Kept(network)
    with FlopCounterMode(display=False) as counter:
        with saved_tensors_hooks(kept.keep, lambda tensor: tensor):
            prediction = cast(Prediction, network(images))
            loss = segmentation_loss(prediction.logits.float(), labels)
        loss.backward()  # type: ignore[no-untyped-call]
    operations, matrices = (0, 0)
    nodes = prediction.logits.shape[2:].numel()
    if diffuses:
        operations, matrices = diffusion_cost(model, classes=classes, nodes=nodes)
    return StepCost(
        parameters=parameters,
        operations=counter.get_total_flops() + operations,
        activations=kept.bytes + matrices * SINGLE * nodes**2,
    )


def diffusion_cost(model: ModelConfig, *, classes: int, nodes: int) -> tuple[int, int]:
    """Operations of the diffusion of one image, forward and backward, and the N x N matrices that it keeps.

    A rule of the user's own counts as the cascade.

    Args:
        model: Diffusion rule, levels, walks, embedding and kind of transition matrix.
        classes: C.
        nodes: N.
    """
    levels, embedding = len(model.levels), model.embedding_dim
    walks = levels * model.repeats
    logits, values = 2 * nodes**2 * embedding, 2 * nodes**2 * classes
    if model.diffusion == "dense_inverse":  # each P, their mixture and its factors; a refined solve each way
        return levels * 3 * logits + 2 * nodes**3 // 3 + 8 * values, levels + 2
    if model.diffusion == "iterative_inverse":
        return levels * (2 * PRODUCTS_OF_A_SOLVER * (logits + values) + 3 * logits + 2 * values), 0
    if model.transition.kind in MATRICES_KEPT:
        return levels * 3 * logits + walks * 3 * values, levels * MATRICES_KEPT[model.transition.kind]
    return walks * (4 * logits + 3 * values), 0  # P is never held: backward computes the logits again


def _undiffused(levels: list[Tensor], seeds: Tensor) -> Tensor:
    """In the place of `DifNet.diffuse`: gradients for the seeds (B, C, h, w) and the levels (B, D, N)."""
    return sum((level.mean(dim=1).reshape(seeds[:, :1].shape) for level in levels), seeds)


class _Kept:
    """Bytes that autograd keeps, each storage once and without those of the network."""

    def __init__(self, network: nn.Module) -> None:
        tensors = [*network.parameters(), *network.buffers()]
        self._known = {_storage(tensor) for tensor in tensors}
        self.bytes = 0

    def keep(self, tensor: Tensor) -> Tensor:
        """Count a tensor that is kept."""
        storage = _storage(tensor)
        if storage not in self._known:
            self._known.add(storage)
            self.bytes += tensor.untyped_storage().nbytes()
        return tensor


def _storage(tensor: Tensor) -> int:
    """What tensors over the same memory have in common, on any device."""
    return int(tensor.untyped_storage()._cdata)
