"""What the operators are given: features at any number of nodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from difnet.config import RunFolder, TimingConfig, resolve_run
from difnet.data import load_prepared, prepare
from difnet.data.augmentation import normalise
from difnet.models import build_from_config
from difnet.timing.operator_inputs import random_levels, start_levels, trained_levels
from tests.conftest import CATALOGUE, save_weights


def test_random_features_are_the_same_in_every_call() -> None:
    levels = random_levels(TimingConfig(batch=2, embedding_dim=8))
    first, again = levels(500), levels(500)
    assert [tuple(level.shape) for level in first] == [(2, 8, 500)] * 5
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])
    assert torch.stack(first).std().item() == pytest.approx(0.3, abs=0.005)


@pytest.mark.parametrize(("nodes", "grid"), [(36, (6, 6)), (40, (5, 8)), (7, (1, 7))])
def test_trained_features_have_any_number_of_nodes(tmp_path: Path, nodes: int, grid: tuple[int, int]) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    prepare(config.data, data)
    network = build_from_config(config.model, 7).eval()
    RunFolder(run).write_config(config, {})
    save_weights(network.state_dict(), run)
    levels = trained_levels(run, data=data, batch=2)
    assert levels is not None
    features = levels(nodes)
    assert [tuple(level.shape) for level in features] == [(2, 64, nodes)] * 5
    split = load_prepared(data).split("val")
    images = normalise(torch.from_numpy(np.stack([split.image(0), split.image(1)])))
    size = (8 * grid[0], 8 * grid[1])
    resized = torch.nn.functional.interpolate(images, size=size, mode="bilinear", antialias=True)
    expected, _ = network.similarity_branch(resized, grid)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(features, expected, strict=True))


def test_features_at_the_start_follow_from_the_seed(tmp_path: Path) -> None:
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    prepare(config.data, tmp_path)
    state = torch.random.get_rng_state()
    first, again = (start_levels(config, data=tmp_path, batch=1) for _ in range(2))
    other = start_levels(config.model_copy(update={"seed": 1}), data=tmp_path, batch=1)
    assert first is not None and again is not None and other is not None
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(one, two) for one, two in zip(first(256), again(256), strict=True))
    assert not torch.equal(first(256)[0], other(256)[0])
    norms = [level.square().sum(dim=1).mean().item() / 2 for level in first(256)]
    assert all(
        norm > 15 for norm in norms
    )  # batch norm leaves 32, max-pooling adds to it; random ones have 3
    plain = resolve_run(CATALOGUE, benchmark="tiny", ablation="deeplab", seed=0)
    assert start_levels(plain, data=tmp_path, batch=1) is None
