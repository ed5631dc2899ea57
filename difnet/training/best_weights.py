"""Which weights a training keeps: the last, the best on a split that is then not scored, or both.

The authors' code reports the best of all its looks at the images that it is scored on. With `select: both`
that number stands in `environment.json`, beside the score of the last weights, and no verdict ever sees it.
"""

from __future__ import annotations

import torch
from torch import nn

from difnet.config import InputError, RunConfig
from difnet.data import VOID, PreparedData
from difnet.data.batches import evaluation_batches
from difnet.data.padding import padded
from difnet.data.requirements import check_padding
from difnet.diffusion.checks import check_finite
from difnet.models.node_grid import resize
from difnet.training.device import memory_format
from difnet.training.failures import require_labels
from difnet.training.state import Best, TrainingState

SPLIT = "val"
"""What the best weights are chosen on."""


def check_selection(config: RunConfig, prepared: PreparedData) -> None:
    """Make sure that there are images to choose the weights on, other than those that are scored.

    Raises:
        InputError: If not.
    """
    if config.train.select == "last":
        return
    require_labels(prepared.split(SPLIT), SPLIT)
    if config.evaluate.pad is not None:
        check_padding(prepared.index.splits[SPLIT], config.evaluate.pad)
    check_scored_split(config, config.evaluate.split)


def check_scored_split(config: RunConfig, split: str) -> None:
    """Refuse to score a run on the images that its weights were chosen on.

    Raises:
        InputError: If that is so.
    """
    if config.train.select == "best" and split == SPLIT:
        raise InputError(
            f"train.select: best chooses the weights on '{SPLIT}', so they cannot be scored on it; set "
            "evaluate.split to another split, or train.select to last"
        )


def keep_if_best(state: TrainingState, config: RunConfig, prepared: PreparedData) -> None:
    """Score the network as it is, and keep its weights if none were better; of equals the first stays."""
    score = validation_miou(state.network, config, prepared)
    if state.best is None or score > state.best.miou:
        weights = {name: tensor.cpu().clone() for name, tensor in state.network.state_dict().items()}
        state.best = Best(state.step, score, weights)


@torch.no_grad()
def validation_miou(network: nn.Module, config: RunConfig, prepared: PreparedData) -> float:
    """Mean IoU of a network on the validation split, padded as for its scores; leaves it in training mode.

    That of `difnet.metrics`, in a few lines of its own: otherwise an edit of any metric would be one of the
    code that every training depends on.
    """
    device = next(network.parameters()).device
    layout = memory_format(config.train)
    classes = len(prepared.index.classes)
    confusion = torch.zeros(classes**2, dtype=torch.int64)
    network.eval()
    batches = evaluation_batches(
        prepared.split(SPLIT), config.evaluate.batch_size, normalisation=config.model.normalisation
    )
    for batch in batches:
        images, labels = padded(batch.images, batch.labels, config.evaluate, config.model.normalisation)
        logits = network(images.to(device, memory_format=layout)).logits
        check_finite(logits, "logits")
        prediction = resize(logits, (images.shape[2], images.shape[3])).max(dim=1).indices.cpu()
        valid = labels != VOID
        cells = labels[valid] * classes + prediction[valid]
        confusion += torch.bincount(cells, minlength=classes**2)
    network.train()
    confusion = confusion.reshape(classes, classes).double()
    intersection = confusion.diagonal()
    union = confusion.sum(0) + confusion.sum(1) - intersection
    return float((intersection / union)[union > 0].mean())
