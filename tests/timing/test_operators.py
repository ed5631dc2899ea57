"""Every operator has every row, with a value or the reason why there is none."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from difnet.config import InputError, TimingConfig
from difnet.diffusion import random_walk
from difnet.tables import TIMING
from difnet.timing import time_operators
from difnet.timing.protocol import peak_memory
from difnet.timing.subjects import SUBJECTS


def grid(**changes: Any) -> TimingConfig:
    small = {"nodes": (16, 32, 64), "classes": (3,), "embedding_dim": 8, "repeats": 3, "warmup": 1}
    return TimingConfig(**{**small, "budget_s": 60.0, "threads": 1, **changes})


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
def test_every_row_is_there_and_the_gpu_rows_say_why_they_are_empty() -> None:
    table = time_operators(grid())
    assert list(table.columns) == TIMING.columns
    assert len(table) == len(SUBJECTS) * 3 * 3
    cupy = table["subject"].str.startswith("dense_inverse_cupy")
    assert set(table.loc[cupy, "status"]) == {"not_run (no GPU)"}
    assert table.loc[cupy, "value"].isna().all()
    ran = table[~cupy]
    assert set(ran["status"]) == {"ok"}
    assert (ran["ci_low"] <= ran["value"]).all()
    assert (ran["value"] <= ran["ci_high"]).all()
    assert set(ran["metric"]) == {"latency_ms", "forward_backward_ms", "peak_memory_mb"}
    assert (ran.loc[ran["metric"] != "peak_memory_mb", "value"] > 0).all()


def test_threads_are_those_of_the_configuration() -> None:
    time_operators(grid(nodes=(16,), backward=False, threads=2), subjects=["plain_walk"])
    assert torch.get_num_threads() == 2
    time_operators(grid(nodes=(16,), backward=False), subjects=["plain_walk"])
    assert torch.get_num_threads() == 1


def test_the_budget_ends_a_curve() -> None:
    table = time_operators(grid(budget_s=1e-9, warmup=0), subjects=["fused_walk"])
    timed = table[table["metric"] != "peak_memory_mb"]
    assert set(timed["status"]) == {"not_run (over the time budget)"}
    assert timed["value"].isna().all()


def test_matrices_that_do_not_fit_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("difnet.diffusion.checks.free_memory", lambda device: 3 * 4 * 32**2)
    subjects = ["fused_walk", "dense_inverse_torch"]
    table = time_operators(grid(nodes=(32, 64), backward=False), subjects=subjects)
    status = table.groupby(["subject", "nodes"])["status"].agg(set).to_dict()
    assert status["fused_walk", 64] == {"ok"}
    assert status["dense_inverse_torch", 32] == {"ok"}
    assert status["dense_inverse_torch", 64] == {"does_not_fit"}


def test_trained_features_are_rows_of_their_own() -> None:
    sizes = []

    def trained(nodes: int) -> list[Tensor]:
        sizes.append(nodes)
        return [torch.ones(1, 4, nodes)] * 5

    subjects = ["cascade", "dense_inverse_torch_solve_only"]
    table = time_operators(grid(nodes=(16,)), subjects=subjects, trained_levels=trained)
    assert set(table["subject"]) == {*subjects, "cascade_trained_features"}
    assert sizes == [16]


def test_unknown_subject() -> None:
    with pytest.raises(InputError, match="unknown subjects walk; known are plain_walk"):
        time_operators(grid(), subjects=["walk"])


def test_the_fused_walk_holds_a_twentieth_of_the_matrix_at_most() -> None:
    nodes = 16384
    features, signal = 0.3 * torch.randn(1, 64, nodes), torch.randn(1, 21, nodes)
    random_walk(features, signal)
    peak = peak_memory(lambda: random_walk(features, signal), "cpu")
    if peak is None:
        pytest.skip("no peak memory counter on this system")
    assert peak <= 0.05 * 4 * nodes**2
