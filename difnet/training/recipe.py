"""The recipe of the paper: SGD with poly decay and one cross-entropy on the upsampled result.

B batch, C classes, H W image size, h w grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from difnet.config import TrainConfig
from difnet.data import VOID
from difnet.models.node_grid import resize
from difnet.training.device import trains_in_bf16
from difnet.training.distributed import process_count, total


def make_optimiser(network: nn.Module, train: TrainConfig) -> torch.optim.SGD:
    """SGD with momentum and weight decay on every learned parameter, batch norms and scalars included.

    One kernel updates all parameters of a device.
    """
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return torch.optim.SGD(
        learned,
        lr=train.learning_rate,
        momentum=train.momentum,
        weight_decay=train.weight_decay,
        fused=True,
    )


def learning_rate(step: int, train: TrainConfig) -> float:
    """Poly decay: the base rate times (1 - step / steps) ** power."""
    decay: float = (1 - step / train.steps) ** train.power
    return train.learning_rate * decay


def set_learning_rate(optimiser: torch.optim.Optimizer, step: int, train: TrainConfig) -> None:
    """Give all parameters the rate of the poly decay after so many steps."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(step, train)


def segmentation_loss(logits: Tensor, labels: Tensor, counted: Tensor | None = None) -> Tensor:
    """Cross-entropy of the bilinearly upsampled logits, void ignored.

    Args:
        logits: (B, C, h, w).
        labels: (B, H, W) int64, void = 255.
        counted: Pixels that are not void, where these labels are a part of a batch; None to count them here.

    Returns:
        Scalar: sum over the pixels that are not void by their number, 0 where all are void.
    """
    upsampled = resize(logits, (labels.shape[1], labels.shape[2]))
    losses = F.cross_entropy(upsampled, labels, ignore_index=VOID, reduction="none")  # sums in a fixed order
    return losses.sum() / (count_labelled(labels) if counted is None else counted).clamp(min=1)


def count_labelled(labels: Tensor) -> Tensor:
    """Scalar: pixels of labels (B, H, W) that are not void."""
    return (labels != VOID).sum()


@contextmanager
def statistics_kept(network: nn.Module) -> Iterator[None]:
    """Within it the batch norms of a network in training mode leave their running statistics as they are."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    yield
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def training_step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    *,
    step: int,
    train: TrainConfig,
) -> Tensor:
    """One step of the recipe.

    Args:
        network: Maps images to a `Prediction`; with several processes it averages their gradients.
        optimiser: Holds the network's learned parameters.
        images: (B, 3, H, W); with several processes the part of this one.
        labels: (B, H, W) int64.
        step: Steps done before this one.
        train: The recipe.

    Returns:
        The loss of the whole batch before the step, detached.
    """
    set_learning_rate(optimiser, step, train)
    optimiser.zero_grad(set_to_none=True)
    counted = total(count_labelled(labels))
    losses = []
    for part, (some, truth) in enumerate(
        zip(images.chunk(train.parts), labels.chunk(train.parts), strict=True)
    ):
        keeps = nullcontext() if train.norm_images is None or part == 0 else statistics_kept(network)
        with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=trains_in_bf16(train)), keeps:
            logits = network(some).logits
        single = torch.promote_types(logits.dtype, torch.float32)
        loss = segmentation_loss(logits.to(single), truth, counted)
        (loss * process_count()).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
    optimiser.step()
    return total(torch.stack(losses).sum())
