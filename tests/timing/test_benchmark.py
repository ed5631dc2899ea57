"""timing.csv of a benchmark: operators and networks, in one table."""

from __future__ import annotations

import pandas as pd
import pytest

from difnet.config import BenchmarkConfig, load_benchmark
from difnet.timing import time_benchmark
from tests.conftest import PROJECT


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    tiny = load_benchmark(PROJECT, "tiny")
    grid = tiny.timing.model_copy(update={"nodes": (16, 36, 64), "threads": 1})
    benchmark = BenchmarkConfig.model_validate({**tiny.model_dump(), "timing": grid.model_dump()})
    return time_benchmark(PROJECT, "tiny", benchmark, data=tmp_path_factory.mktemp("data"))


def test_every_trained_variant_has_its_rows(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    timing, _ = tables
    networks = timing[timing["subject"].str.startswith("model:")]
    assert set(networks["subject"]) == {
        f"model:{variant}"
        for variant in ("cascade", "deeplab", "dense_inverse", "seed_only", "similarity_only")
    }
    per_variant = networks.groupby("subject")["metric"].apply(sorted)
    assert all(
        metrics == ["images_per_s", "latency_ms", "peak_memory_mb", "train_step_ms"]
        for metrics in per_variant
    )
    assert (networks["nodes"] == 25).all()
    assert (networks["classes"] == 7).all()
    assert (networks["status"] == "ok").all()


def test_throughput_follows_from_latency(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    timing, _ = tables
    rows = timing[(timing["subject"] == "cascade") & (timing["nodes"] == 64)].set_index("metric")
    latency, throughput = rows.loc["latency_ms"], rows.loc["images_per_s"]
    assert throughput["value"] == pytest.approx(1e3 * latency["batch"] / latency["value"])
    assert throughput["ci_low"] == pytest.approx(1e3 * latency["batch"] / latency["ci_high"])
    assert throughput["ci_low"] <= throughput["value"] <= throughput["ci_high"]


def test_growth_is_that_of_operators(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, growth = tables
    assert not growth["subject"].str.startswith("model:").any()
    assert "images_per_s" not in set(growth["metric"])
    assert {"cascade", "dense_inverse_scipy"} <= set(growth["subject"])
