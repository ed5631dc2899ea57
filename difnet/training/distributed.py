"""Training by several processes, each of which computes a part of every batch.

`torchrun` starts them and tells each in environment variables which one it is. In a training of one process
all of this does nothing.

B batch, K channels, H W size.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from difnet.config import InputError, PreemptedError, RunError, TrainConfig

TIMEOUT = timedelta(minutes=10)
"""How long a process waits for the others before it gives up."""
LOST = re.compile(r"gloo|nccl|connection (was )?(closed|reset)|broken pipe", re.IGNORECASE)
"""In the message of an operation whose partner is gone."""

Result = TypeVar("Result")


@contextmanager
def joined_processes(train: TrainConfig) -> Iterator[None]:
    """Join the processes that `torchrun` started beside this one, each with a GPU of its own if there are.

    The first process that fails says why; the others end with the exit code of what they met, in silence.

    Raises:
        InputError: If they cannot share out the batches or the GPUs.
        RunError: If another process ended before its time.
    """
    try:
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count < 1:
            raise ValueError(f"WORLD_SIZE is {count}")
        if count > 1:
            store, rank, _ = next(rendezvous("env://", timeout=TIMEOUT))
    except ValueError as error:
        raise InputError(
            f"the variables of torchrun are set, and not valid ({error}); unset WORLD_SIZE or use --processes"
        ) from error
    if count == 1:
        yield
        return
    on_gpu = torch.cuda.is_available()
    backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
    try:
        with _partners_expected(rank, count):
            if on_gpu:
                _take_device()
            dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=TIMEOUT)
            by_first(lambda: _check_parts(train, count))
            yield
    except BaseException as error:
        _leave(together=isinstance(error, PreemptedError))
        if isinstance(error, (InputError, RunError)) and _failed_before(store):
            sys.exit(getattr(error, "exit_code", 2))
        raise
    _leave(together=True)


def process_count() -> int:
    """Number of processes of this training."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def process_rank() -> int:
    """Which of them this is, from 0; the first alone writes files and shows progress."""
    return dist.get_rank() if process_count() > 1 else 0


def by_first(action: Callable[[], Result]) -> Result:
    """Let the first process do something while the others wait.

    Args:
        action: What to do; its result or error must be picklable.

    Returns:
        What it returned, in every process.

    Raises:
        Exception: What it raised, in every process.
    """
    if process_count() == 1:
        return action()
    outcome: list[Any] = [None, None]
    if process_rank() == 0:
        try:
            outcome[0] = action()
        except Exception as error:
            outcome[1] = error
    dist.broadcast_object_list(outcome, device=torch.device("cpu"))
    result, failure = outcome
    if failure is not None:
        raise failure
    return cast(Result, result)


def total(values: Tensor) -> Tensor:
    """Sum of a tensor over the processes, in its place and without a gradient."""
    if process_count() > 1:
        dist.all_reduce(values)
    return values


def highest(number: int) -> int:
    """Highest of the numbers that the processes have; waits for them, but not for a GPU."""
    if process_count() == 1:
        return number
    values = torch.tensor(number)
    dist.all_reduce(values, op=dist.ReduceOp.MAX)
    return int(values)


def shared_network(network: nn.Module) -> nn.Module:
    """A network as the steps of a training take it.

    With several processes its batch norms, replaced in place, see the parts of all of them, and the returned
    module averages the gradients.
    """
    if process_count() == 1:
        return network
    share_batch_norms(network, on_gpu=next(network.parameters()).is_cuda)
    return DistributedDataParallel(network)


def share_batch_norms(network: nn.Module, *, on_gpu: bool) -> None:
    """Let the batch norms of a network see the parts of all processes.

    Those of timm hold the activation that follows them, which stays: PyTorch's own conversion drops it.
    """
    for module in network.modules():
        if isinstance(module, _BatchNorm if on_gpu else nn.BatchNorm2d):
            module.__class__ = SyncedBatchNorm if on_gpu else SharedBatchNorm


def _activated(norm: nn.Module, maps: Tensor) -> Tensor:
    for part in norm.children():
        maps = part(maps)
    return maps


class SyncedBatchNorm(nn.SyncBatchNorm):
    """Batch norm over the parts of all processes, on GPUs."""

    process_group: Any | None = None

    def forward(self, maps: Tensor) -> Tensor:
        """(B, K, H, W) -> (B, K, H, W)."""
        return _activated(self, super().forward(maps))


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch norm over the parts of all processes, on a CPU, where `nn.SyncBatchNorm` does not work."""

    def forward(self, maps: Tensor) -> Tensor:
        """(B, K, H, W) -> (B, K, H, W)."""
        return _activated(self, self._normalised(maps))

    def _normalised(self, maps: Tensor) -> Tensor:
        if not self.training:
            return super().forward(maps)
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        values = maps.float()
        pixels, mean, variance = _statistics(values)
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (pixels / (pixels - 1)), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normalised = (values - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(maps.dtype)


def _statistics(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Number of pixels, mean and variance (K) of maps (B, K, H, W) over the parts of all processes."""
    variance, mean = (part.double() for part in torch.var_mean(values, dim=(0, 2, 3), correction=0))
    pixels = values.numel() // values.shape[1]
    moments = torch.stack([torch.ones_like(mean), mean, variance + mean.square()])
    count, first, second = _Total.apply(pixels * moments)
    mean = first / count
    variance = second / count - mean.square()
    return count.to(values.dtype), mean.to(values.dtype), variance.to(values.dtype)


class _Total(torch.autograd.Function):
    """`total` with a gradient."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        return total(values.clone())

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return total(gradient.clone())


def _check_parts(train: TrainConfig, count: int) -> None:
    """Make sure that every process gets a share of every batch, and of every part it is computed in."""
    if train.norm_images or train.epochs:
        key = "norm_images" if train.norm_images else "epochs"
        raise InputError(
            f"train.{key}: the authors' groups of images and smaller last batches are made in one process, "
            f"not in {count}; start one, or set train.norm_images and train.epochs to null"
        )
    if train.batch_size < count or (train.accumulate > 1 and train.batch_size % (count * train.accumulate)):
        parts = f" in {train.accumulate} parts (train.accumulate)" if train.accumulate > 1 else ""
        raise InputError(
            f"train.batch_size: {train.batch_size} images{parts} cannot be shared out among {count} "
            "processes; start fewer"
        )


@contextmanager
def _partners_expected(rank: int, count: int) -> Iterator[None]:
    """Say on one line that an operation failed because another process is gone."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, RunError) or not LOST.search(str(error)):
            raise
        raise RunError(
            f"process {rank + 1} of {count}: another process of this training ended, or did not "
            f"answer for {TIMEOUT}; its own message says why"
        ) from error


def _leave(*, together: bool) -> None:
    """End the connections to the other processes, of which NCCL would warn at the exit.

    Args:
        together: Whether all leave now; else nobody waits for those that may be gone.
    """
    if not dist.is_initialized():
        return
    if together:
        dist.destroy_process_group()
    elif torch.cuda.is_available():
        dist.distributed_c10d._get_default_group()._get_backend(torch.device("cuda")).abort()


def _failed_before(store: Any) -> bool:
    """Count a failure of this process: whether another failed before it; no where nobody counts any more."""
    try:
        return int(store.add("failures", 1)) > 1
    except RuntimeError:
        return False


def _take_device() -> None:
    """The GPU of this process, by its place on this machine."""
    place, started = (int(os.environ[name]) for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    if started > torch.cuda.device_count():
        raise InputError(
            f"{started} processes on this machine, {torch.cuda.device_count()} GPUs visible; start one a GPU"
        )
    torch.cuda.set_device(place)
