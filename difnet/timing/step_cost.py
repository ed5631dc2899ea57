"""What a training step on one image computes and keeps: counted without computing it.

The network runs without values and without its diffusion, which is counted by formula.

B batch, C classes, D embedding, h w grid, N = h*w nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from difnet.config import ModelConfig
from difnet.models import Prediction, parameter_count
from difnet.training import segmentation_loss
from difnet.training.step_memory import SINGLE, Kept, abstract_network, state_bytes

PRODUCTS_OF_A_SOLVER = 15
"""Products with P that the iterative inverse takes, forward or backward (docs/performance.md)."""
MATRICES_KEPT = {"top_k": 1, "doubly_stochastic": 3}
"""N x N matrices a level of the kinds whose walks build P."""


@dataclass(frozen=True)
class StepCost:
    """Of a training step, but for the update of the weights."""

    parameters: int
    state: int
    """Bytes of the weights, and of gradient and momentum of those that are learned."""
    operations: int
    """Floating-point operations in products and convolutions, forward and backward, of one image."""
    activations: int
    """Bytes that one image keeps from the forward pass for the backward pass."""


def step_cost(
    model: ModelConfig, *, classes: int, size: tuple[int, int], half: bool, freeze: str = "none"
) -> StepCost:
    """Count a training step on one image.

    Args:
        model: Of the run; for `pixel_prior`, which is not trained by steps, all counts are 0.
        classes: C.
        size: Height and width of the image.
        half: Whether convolutions compute in bfloat16.
        freeze: As in the recipe.
    """
    if model.name == "pixel_prior":
        return StepCost(0, 0, 0, 0)
    network = abstract_network(model, classes, freeze=freeze)
    parameters, state = parameter_count(network), state_bytes(network)
    diffuses = getattr(network, "diffusion", None) is not None
    if half:
        network = network.bfloat16()
    try:
        operations, kept, nodes = _counted(network, (1, 3, *size))
    except ValueError:  # of one image a batch norm on a grid of one node sees a single value, and refuses it
        operations, kept, nodes = _counted(network, (2, 3, *size))
    walked, matrices = diffusion_cost(model, classes=classes, nodes=nodes) if diffuses else (0, 0)
    return StepCost(
        parameters=parameters,
        state=state,
        operations=operations + walked,
        activations=kept + matrices * SINGLE * nodes**2,
    )


def _counted(network: nn.Module, shape: tuple[int, int, int, int]) -> tuple[int, int, int]:
    """Operations and bytes kept, each of one image of a batch of this shape (B, 3, H, W), and its nodes."""
    count, _, height, width = shape
    images = torch.empty(shape, device="meta", dtype=next(network.parameters()).dtype)
    labels = torch.zeros(count, height, width, device="meta", dtype=torch.int64)
    kept = Kept(network)
    formulas = {torch.ops.aten.convolution_backward: _convolution_backward}
    with FlopCounterMode(display=False, custom_mapping=formulas) as counter:
        with saved_tensors_hooks(kept.keep, lambda tensor: tensor):
            prediction = cast(Prediction, network(images))
            loss = segmentation_loss(prediction.logits.float(), labels)
        loss.backward()  # type: ignore[no-untyped-call]
    nodes = prediction.logits.shape[2:].numel()
    return counter.get_total_flops() // count, kept.bytes // count, nodes


def _convolution_backward(
    gradient: list[int], signal: list[int], weight: list[int], *arguments: Any, **_shapes: Any
) -> int:
    """Operations of each wanted derivative of a convolution: as many as forward.

    PyTorch's own formula counts the one for the weights of a grouped convolution as if it had one group.

    Args:
        gradient: Shape of the gradient of the result.
        signal: Shape of the input.
        weight: Shape of the weights.
        arguments: Those of `aten.convolution_backward` after them.
    """
    *_, transposed, _, _, (of_signal, of_weight, _) = arguments
    wanted: int = of_signal + of_weight
    return wanted * conv_flop_count(signal, weight, gradient, transposed=transposed)


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
