"""The device that networks run on."""

from __future__ import annotations

import torch


def choose_device() -> torch.device:
    """The first visible GPU (`difnet.config.lease` says which are visible), else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
