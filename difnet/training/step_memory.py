"""What a training step keeps in memory, counted without computing it, and whether this machine has as much.

The network is built on PyTorch's `meta` device, whose tensors have shapes but no values. The diffusion,
which may look at values, is left out.
"""

from __future__ import annotations

import psutil
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from difnet.config import InputError, ModelConfig, RunConfig, training_steps
from difnet.data import DataIndex
from difnet.models import DifNet, build_from_config
from difnet.models.backbone import freeze_backbones
from difnet.training.device import choose_device, trains_in_bf16
from difnet.training.distributed import process_count

SINGLE = 4
"""Bytes of a number in single precision."""


def check_step(config: RunConfig, index: DataIndex) -> None:
    """Check that a training step fits into memory, where it is the CPU's: the system would end the process.

    Raises:
        InputError: If it does not, with what it takes at least and the keys to lower.
    """
    if training_steps(config) == 0 or choose_device().type != "cpu":
        return
    train = config.train
    size = (train.crop, train.crop) if train.crop else index.splits["train"].shapes[0]
    count = max(1, train.batch_size // (train.parts * process_count()))
    # The constructor of a user's own rule may look at values.
    rule = "cascade" if config.diffusion_sha256 else config.model.diffusion
    model = config.model.model_copy(update={"diffusion": rule})
    network = abstract_network(model, len(index.classes), freeze=train.freeze)
    state = state_bytes(network)
    kept = Kept(network)
    if trains_in_bf16(train):
        network = network.bfloat16()
    with saved_tensors_hooks(kept.keep, lambda tensor: tensor):
        network(torch.empty(count, 3, *size, device="meta", dtype=next(network.parameters()).dtype))
    there = psutil.virtual_memory().total
    if state + kept.bytes > there:
        raise InputError(
            f"a training step takes at least {_gib(state + kept.bytes)} GiB, {_gib(state)} of them for the "
            f"weights, and this machine has {_gib(there)}; lower model.width, model.embedding_dim, "
            "train.batch_size or train.crop, or raise train.accumulate"
        )


def abstract_network(model: ModelConfig, classes: int, *, freeze: str = "none") -> nn.Module:
    """A network without values and without its diffusion, in training mode; `freeze` as in the recipe."""
    with torch.device("meta"):
        network = build_from_config(model.model_copy(update={"weights": None}), classes).train()
    freeze_backbones(network, freeze)
    if isinstance(network, DifNet):
        network.diffuse = _undiffused  # type: ignore[method-assign]
    return network


def state_bytes(network: nn.Module) -> int:
    """Bytes of its weights, and of gradient and momentum of those that are learned, in single precision."""
    return SINGLE * sum(
        parameter.numel() * (3 if parameter.requires_grad else 1) for parameter in network.parameters()
    )


def _undiffused(levels: list[Tensor], seeds: Tensor) -> Tensor:
    """In the place of `DifNet.diffuse`: gradients for the seeds (B, C, h, w) and the levels (B, D, N)."""
    return sum((level.mean(dim=1).reshape(seeds[:, :1].shape) for level in levels), seeds)


class Kept:
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


def _gib(count: int) -> str:
    return f"{count / 2**30:,.1f}"
