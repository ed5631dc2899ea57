"""All that a training continues from, beside its configuration."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field

import torch
from torch import Tensor, nn

from difnet.tables import HistoryRow
from difnet.training.checkpoint import Contents
from difnet.training.history import History


@dataclass
class Best:
    """The best weights so far, by their score on the validation split."""

    step: int
    miou: float
    weights: dict[str, Tensor]


@dataclass
class TrainingState:
    """Network, optimiser and position; the learning rate follows from the step."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0
    """Steps done."""
    wall_s: float = 0.0
    """Seconds of training so far, over all sittings."""
    history: History = field(default_factory=History)
    best: Best | None = None
    along: dict[int, str] = field(default_factory=dict)
    """Hash of the weights that were kept on the way, by step."""

    def contents(self) -> Contents:
        """What a checkpoint holds."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": _random_states(),
            "step": self.step,
            "wall_s": self.wall_s,
            "rows": [astuple(row) for row in self.history.rows],
            "losses": self.history.losses(),
            "best": None if self.best is None else vars(self.best),
            "along": self.along,
        }

    def restore(self, contents: Contents) -> None:
        """Continue from a checkpoint."""
        self.network.load_state_dict(contents["network"])
        self.optimiser.load_state_dict(contents["optimiser"])
        _set_random_states(contents["random"])
        self.step, self.wall_s = contents["step"], contents["wall_s"]
        self.history = History([HistoryRow(*row) for row in contents["rows"]], contents["losses"])
        self.best = None if contents["best"] is None else Best(**contents["best"])
        self.along = dict(contents["along"])


def _random_states() -> list[Tensor]:
    """States of PyTorch's random numbers: of the CPU, and of the GPU where there is one."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state()] if torch.cuda.is_available() else states


def _set_random_states(states: list[Tensor]) -> None:
    torch.set_rng_state(states[0])
    if torch.cuda.is_available() and len(states) > 1:
        torch.cuda.set_rng_state(states[1])
