"""Every operator has every row, with a value or the reason why there is none."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from difnet.config import TimingConfig
from difnet.diffusion import random_walk
from difnet.tables import TIMING
from difnet.timing import time_operators
from difnet.timing.operator_inputs import random_levels
from difnet.timing.protocol import peak_memory
from difnet.timing.subjects import SUBJECTS, Subject


def grid(**changes: Any) -> TimingConfig:
    small = {"nodes": (16, 32, 64), "classes": (3,), "embedding_dim": 8, "repeats": 3, "warmup": 1}
    return TimingConfig(**{**small, "budget_s": 60.0, "threads": 1, **changes})


RANDOM = {"random": random_levels(grid())}


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
def test_every_row_is_there_and_the_gpu_rows_say_why_they_are_empty() -> None:
    table = time_operators(grid(), RANDOM)
    assert list(table.columns) == TIMING.columns
    metrics = [1 if subject.graph else 2 + subject.backward for subject in SUBJECTS]
    assert len(table) == 3 * sum(metrics)
    only_there = table["subject"].str.contains("cupy|graph")
    assert set(table.loc[only_there, "status"]) == {"not_run (no GPU)"}
    assert table.loc[only_there, "value"].isna().all()
    ran = table[~only_there]
    assert set(ran["status"]) == {"ok"}
    assert (ran["ci_low"] <= ran["value"]).all()
    assert (ran["value"] <= ran["ci_high"]).all()
    assert set(ran["metric"]) == {"latency_ms", "forward_backward_ms", "peak_memory_mb"}
    assert (ran.loc[ran["metric"] != "peak_memory_mb", "value"] > 0).all()


def test_what_no_graph_can_hold_says_so_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    (row,) = time_operators(grid(nodes=(16,), operators=["dense_inverse_graph"]), RANDOM)["status"]
    assert row == "not_run (it looks at its residual, which no CUDA graph can)"


def test_threads_are_those_of_the_configuration() -> None:
    time_operators(grid(nodes=(16,), backward=False, threads=2, operators=["plain_walk"]), RANDOM)
    assert torch.get_num_threads() == 2
    time_operators(grid(nodes=(16,), backward=False, operators=["plain_walk"]), RANDOM)
    assert torch.get_num_threads() == 1


def test_the_budget_ends_a_curve() -> None:
    table = time_operators(grid(budget_s=1e-9, warmup=0, operators=["fused_walk"]), RANDOM)
    timed = table[table["metric"] != "peak_memory_mb"]
    assert set(timed["status"]) == {"not_run (over the time budget)"}
    assert timed["value"].isna().all()


def test_what_the_first_call_of_all_starts_is_not_taken_from_the_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a GPU it takes seconds, once a process."""
    calls = []

    def walk(levels: Sequence[Tensor], seeds: Tensor) -> Tensor:
        calls.append(1)
        time.sleep(0.5 * (len(calls) == 1))
        return seeds

    slow = Subject("cascade", walk, "levels", backward=False)
    monkeypatch.setattr("difnet.timing.operators.SUBJECTS", (slow,))
    table = time_operators(grid(budget_s=0.4, backward=False), RANDOM)
    assert set(table["status"]) == {"ok"} and len(calls) > 3
    assert table.loc[table["metric"] == "latency_ms", "value"].max() < 100


def test_matrices_that_do_not_fit_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("difnet.diffusion.checks.free_memory", lambda device: 3 * 4 * 32**2)
    subjects = ["fused_walk", "dense_inverse_torch"]
    table = time_operators(grid(nodes=(32, 64), backward=False, operators=subjects), RANDOM)
    status = table.groupby(["subject", "nodes"])["status"].agg(set).to_dict()
    assert status["fused_walk", 64] == {"ok"}
    assert status["dense_inverse_torch", 32] == {"ok"}
    assert status["dense_inverse_torch", 64] == {"does_not_fit"}


def test_other_features_are_extra_rows_of_what_depends_on_them() -> None:
    sizes = []

    def trained(nodes: int) -> list[Tensor]:
        sizes.append(nodes)
        return [torch.ones(1, 4, nodes)] * 5

    subjects = ["cascade", "dense_inverse_torch"]
    table = time_operators(grid(nodes=(16,), operators=subjects), {"trained": trained, **RANDOM})
    rows = set(table[["subject", "features", "metric"]].itertuples(index=False, name=None))
    metrics = ("latency_ms", "forward_backward_ms", "peak_memory_mb")
    assert rows == {
        *((subject, "trained", metric) for subject in subjects for metric in metrics),
        ("cascade", "random", "latency_ms"),
    }
    assert sizes == [16]


def test_repeats_go_round_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow spell that took all repeats of one size would bend the curve and widen no interval."""
    calls: list[int] = []

    def walk(levels: Sequence[Tensor], seeds: Tensor) -> Tensor:
        calls.append(seeds.shape[-1])
        return seeds

    monkeypatch.setattr(
        "difnet.timing.operators.SUBJECTS", (Subject("cascade", walk, "levels", backward=False),)
    )
    table = time_operators(grid(repeats=3, backward=False), RANDOM)
    warm_up_and_first = [16, 16, 32, 32, 64, 64]
    assert calls[:12] == [*warm_up_and_first, 16, 32, 64, 16, 32, 64]
    assert set(table.loc[table["metric"] == "latency_ms", "degrees"]) == {2}


@pytest.mark.usefixtures("no_gpu")
def test_a_cell_that_fails_says_why_and_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(levels: Sequence[Tensor], seeds: Tensor) -> Tensor:
        raise RuntimeError("CUDA error: misaligned address\nCompile with more")

    subjects = [replace(one, operator=broken) if one.name == "cascade" else one for one in SUBJECTS]
    monkeypatch.setattr("difnet.timing.operators.SUBJECTS", subjects)
    table = time_operators(grid(nodes=(16,), operators=["cascade", "fused_walk"]), RANDOM)
    status = table.groupby("subject")["status"].agg(set).to_dict()
    assert status == {"cascade": {"not_run (CUDA error: misaligned address)"}, "fused_walk": {"ok"}}
    assert table.loc[table["subject"] == "cascade", ["value", "log_value"]].isna().all(axis=None)


def test_peak_memory_is_repeated() -> None:
    table = time_operators(grid(nodes=(256,), repeats=7, operators=["plain_walk"]), RANDOM)
    degrees = dict(zip(table["metric"], table["degrees"], strict=True))
    assert degrees == {"latency_ms": 4, "forward_backward_ms": 4, "peak_memory_mb": 1}
    error = dict(zip(table["metric"], table["standard_error"], strict=True))
    assert error["peak_memory_mb"] < 1e-3


def test_a_benchmark_may_name_every_operator_and_no_other() -> None:
    assert TimingConfig().operators == tuple(subject.name for subject in SUBJECTS)
    with pytest.raises(ValidationError, match="operators"):
        grid(operators=["walk"])


def test_the_fused_walk_holds_a_twentieth_of_the_matrix_at_most() -> None:
    nodes = 16384
    features, signal = 0.3 * torch.randn(1, 64, nodes), torch.randn(1, 21, nodes)
    random_walk(features, signal)
    peak = peak_memory(lambda: random_walk(features, signal), "cpu")
    assert peak <= 0.05 * 4 * nodes**2
