"""The device that networks run on, and how it lays out their tensors."""

from __future__ import annotations

import torch

from difnet.config import TrainConfig


def choose_device() -> torch.device:
    """The first visible GPU (`difnet.config.lease` says which are visible), else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def memory_format(train: TrainConfig) -> torch.memory_format:
    """Of networks and images: channels last, or contiguous."""
    return torch.channels_last if train.channels_last else torch.contiguous_format
