"""Timing of whole networks: why a row has no value, threads, and what is compiled."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from difnet.config import TimingConfig, resolve_run
from difnet.data import load_prepared, prepare
from difnet.models.build import build_from_config
from difnet.timing import time_networks
from difnet.timing.training_step import training_step_breakdown
from tests.conftest import CATALOGUE


def networks_of_tiny(tmp_path: Path, *overrides: str, **timing: int) -> pd.DataFrame:
    """Status and value of every metric of the cascade."""
    run = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0, overrides=overrides)
    prepare(run.data, tmp_path)
    table = time_networks([run], TimingConfig(**timing), data=tmp_path)
    return table.set_index("metric")[["value", "status"]]


def test_step_that_does_not_fit_has_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("difnet.timing.training_step.training_step", step)
    rows = networks_of_tiny(tmp_path, warmup=0, repeats=1)
    assert rows["status"].to_dict() == {
        "latency_ms": "ok",
        "images_per_s": "ok",
        "train_step_ms": "does_not_fit",
        "peak_memory_mb": "does_not_fit",
    }
    assert rows["value"].isna().tolist() == [False, False, True, True]
    run = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    assert training_step_breakdown([run], data=tmp_path).empty


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), "does_not_fit"),
        (RuntimeError("CUDA error: misaligned address\nmore"), "not_run (CUDA error: misaligned address)"),
    ],
)
def test_a_network_that_cannot_be_made_ready_has_its_rows(
    error: Exception, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("difnet.timing.training_step.build_from_config", build)
    rows = networks_of_tiny(tmp_path, warmup=0, repeats=1)
    assert rows["status"].tolist() == [status] * 4 and rows["value"].isna().all()


def test_the_peak_of_a_step_counts_its_gradients(tmp_path: Path) -> None:
    run = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    prepare(run.data, tmp_path)
    table = time_networks([run], TimingConfig(warmup=0, repeats=1), data=tmp_path).set_index("metric")
    peak = table.loc["peak_memory_mb"]
    network = build_from_config(run.model, len(load_prepared(tmp_path).index.classes))
    assert peak["value"] > 4e-6 * sum(parameter.numel() for parameter in network.parameters())
    assert peak["standard_error"] < 1e-3 and peak["degrees"] == 1


def test_networks_compute_with_the_threads_of_the_benchmark(tmp_path: Path) -> None:
    for threads in (2, 1):
        networks_of_tiny(tmp_path, warmup=0, repeats=1, threads=threads)
        assert torch.get_num_threads() == threads
