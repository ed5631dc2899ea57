"""A diffusion rule of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

MEAN = '''
import torch
from torch import Tensor, nn

from difnet.config import ModelConfig


class Mean(nn.Module):
    """Moves every node a learned part of the way to the mean."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.full((1,), 0.5 * config.repeats))

    def forward(self, levels: list[Tensor], seeds: Tensor) -> Tensor:
        return seeds + self.share * (seeds.mean(dim=2, keepdim=True) - seeds)
'''


@pytest.fixture
def rule(
    project: Path, write: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Writes `ablations/mean.py` into a project that is the current folder."""
    monkeypatch.chdir(project)
    return lambda text: write("ablations/mean.py", text)
