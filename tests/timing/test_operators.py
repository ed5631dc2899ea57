"""timing.csv has every row, in its format, and the growth of a known curve is found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from difnet.config import InputError, TimingConfig
from difnet.diffusion import random_walk
from difnet.timing import fit_growth, time_operators
from difnet.timing.protocol import median_interval, peak_memory
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
    header = "subject,device,dtype,nodes,classes,batch,metric,value,ci_low,ci_high,status"
    assert ",".join(table.columns) == header
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


@pytest.mark.parametrize(
    ("count", "low", "high"), [(1, 1, 1), (3, 1, 3), (5, 1, 5), (6, 1, 6), (9, 2, 8), (20, 6, 15)]
)
def test_median_interval(count: int, low: int, high: int) -> None:
    """The ranks are those of tables of the sign test's confidence interval."""
    values = list(np.random.default_rng(0).permutation(np.arange(1.0, count + 1)))
    assert median_interval(values) == ((count + 1) / 2, low, high)


def test_peak_memory_sees_an_array_that_is_gone_afterwards() -> None:
    size = 80_000_000
    peak = peak_memory(lambda: np.ones(size // 8).sum(), "cpu")
    if peak is None:
        pytest.skip("no peak memory counter on this system")
    assert 0.9 * size < peak < 1.3 * size


def test_growth_of_known_curves() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {
            "subject": f"power {exponent}",
            "device": "cpu",
            "dtype": "float32",
            "nodes": nodes,
            "classes": classes,
            "batch": 1,
            "metric": "latency_ms",
            "value": 1e-6 * classes * nodes**exponent * math.exp(0.02 * rng.standard_normal()),
            "status": "ok",
        }
        for exponent in (1, 2, 3)
        for nodes in (256, 1024, 4096, 16384)
        for classes in (12, 60)
    ]
    growth = fit_growth(pd.DataFrame(rows))
    assert ",".join(growth.columns) == "subject,device,dtype,metric,exponent,ci_low,ci_high"
    assert np.allclose(growth["exponent"], [1, 2, 3], atol=0.03)
    assert ((growth["ci_low"] < [1, 2, 3]) & (growth["ci_high"] > [1, 2, 3])).all()
    assert ((growth["ci_high"] - growth["ci_low"]) < 0.1).all()


def test_growth_needs_three_sizes() -> None:
    table = time_operators(grid(nodes=(16, 32), backward=False), subjects=["plain_walk"])
    assert fit_growth(table)["exponent"].isna().all()


def test_the_fused_walk_holds_a_twentieth_of_the_matrix_at_most() -> None:
    nodes = 16384
    features, signal = 0.3 * torch.randn(1, 64, nodes), torch.randn(1, 21, nodes)
    random_walk(features, signal)
    peak = peak_memory(lambda: random_walk(features, signal), "cpu")
    if peak is None:
        pytest.skip("no peak memory counter on this system")
    assert peak <= 0.05 * 4 * nodes**2
