"""A tiny training inside the test process."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from difnet.config import DataConfig, RunConfig, resolve_run
from difnet.data import prepare
from difnet.training import loop, train_run
from tests.conftest import CATALOGUE

STEPS = 6


@dataclasses.dataclass(frozen=True)
class Trainer:
    """Trains a run of a few steps on a few images."""

    data: Path

    def config(self, *overrides: str, ablation: str = "seed_only") -> RunConfig:
        settings = [f"train.steps={STEPS}", "train.checkpoint_every=1", "train.batch_size=2", *overrides]
        return resolve_run(CATALOGUE, benchmark="tiny", ablation=ablation, seed=0, overrides=settings)

    def __call__(
        self, out: Path, *overrides: str, ablation: str = "seed_only", overwrite: bool = False
    ) -> dict[str, torch.Tensor]:
        config = self.config(*overrides, ablation=ablation)
        train_run(config, data=self.data, out=out, command="difnet train", overwrite=overwrite)
        return load_file(out / "weights.safetensors")


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    folder = tmp_path_factory.mktemp("data")
    options = {"size": 32, "train": 8, "val": 2, "test": 2}
    prepare(DataConfig(name="shapes", options=options), folder)
    return Trainer(folder)


@pytest.fixture(scope="session")
def undisturbed(train: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a run that nothing happened to."""
    out = tmp_path_factory.mktemp("undisturbed")
    train(out)
    return out


@pytest.fixture
def before_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, Callable[[], object]], None]]:
    """Lets something happen, once, when a training has done so many steps."""

    def happen(step: int, event: Callable[[], object]) -> None:
        plain, events = loop.training_step, [event]

        def training_step(*arguments: object, **keywords: object) -> torch.Tensor:
            if keywords["step"] == step and events:
                events.pop()()
            return plain(*arguments, **keywords)

        monkeypatch.setattr(loop, "training_step", training_step)

    yield happen
    monkeypatch.undo()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Whether weights are equal to the bit."""
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
