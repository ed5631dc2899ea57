"""timing.csv of a benchmark: operators and networks, in one table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from difnet.config import BenchmarkConfig, load_benchmark, resolve_run, write_yaml
from difnet.data import load_prepared, prepare
from difnet.data.augmentation import normalise
from difnet.models import build_from_config
from difnet.timing import time_benchmark
from difnet.timing.trained import trained_levels
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


@pytest.mark.parametrize(("nodes", "grid"), [(36, (6, 6)), (40, (5, 8)), (7, (1, 7))])
def test_trained_features_have_any_number_of_nodes(tmp_path: Path, nodes: int, grid: tuple[int, int]) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    benchmark = load_benchmark(PROJECT, "tiny")
    prepare(benchmark.data, data)
    config = resolve_run(PROJECT, benchmark="tiny", ablation="cascade", seed=0)
    network = build_from_config(config.model, 7).eval()
    run.mkdir()
    write_yaml(run / "config.yaml", config.model_dump(mode="json"))
    save_file(network.state_dict(), run / "weights.safetensors")
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
