"""The tables of timing of a benchmark: operators, networks, and both in one."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from difnet.config import RunFolder, TimingConfig, plan, resolve_run
from difnet.data import load_prepared, prepare
from difnet.data.augmentation import normalise
from difnet.models import build_from_config
from difnet.timing import time_benchmark, time_networks
from difnet.timing.benchmark import Part
from difnet.timing.breakdown import training_step_breakdown
from difnet.timing.cells import COLUMNS
from difnet.timing.trained import trained_levels
from tests.conftest import CATALOGUE

TRAINED = ("cascade", "deeplab", "dense_inverse", "seed_only", "similarity_only")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of `tiny` on a small grid."""
    selected = plan(CATALOGUE, {"benchmarks": ["tiny"], "seeds": [0]})
    tiny = selected.benchmarks["tiny"]
    grid = tiny.timing.model_copy(update={"nodes": (16, 36, 64), "threads": 1})
    benchmark = tiny.model_copy(update={"timing": grid})
    out = tmp_path_factory.mktemp("out")
    runs = list(selected.runs.values())
    written = time_benchmark(benchmark, runs, data=tmp_path_factory.mktemp("data"), out=out)
    names = [
        "timing/operators.csv",
        "growth.csv",
        "timing/networks.csv",
        "timing/breakdown.csv",
        "timing.csv",
    ]
    assert written == [out / name for name in names]
    return out


@pytest.fixture(scope="module")
def timing(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "timing.csv")


def test_the_table_holds_both_parts(folder: Path, timing: pd.DataFrame) -> None:
    operators, networks = (pd.read_csv(folder / "timing" / f"{part}.csv") for part in get_args(Part))
    assert list(operators.columns) == list(networks.columns) == list(timing.columns)
    assert timing["subject"].tolist() == [*operators["subject"], *networks["subject"]]
    assert timing["value"].tolist() == pytest.approx([*operators["value"], *networks["value"]], nan_ok=True)
    assert not operators["subject"].str.startswith("model:").any()


def test_one_part_leaves_the_other_alone(tmp_path: Path) -> None:
    benchmark = CATALOGUE.benchmark("tiny")
    run = resolve_run(CATALOGUE, benchmark="tiny", ablation="pixel_prior", seed=0)
    written = time_benchmark(benchmark, [run], data=tmp_path / "data", out=tmp_path, only="networks")
    assert written == [tmp_path / "timing" / name for name in ("networks.csv", "breakdown.csv")]
    assert written[0].read_text() == ",".join(COLUMNS) + "\n"
    assert not (tmp_path / "timing.csv").exists()


def test_every_trained_variant_has_its_rows(timing: pd.DataFrame) -> None:
    networks = timing[timing["subject"].str.startswith("model:")]
    assert set(networks["subject"]) == {f"model:{variant}" for variant in TRAINED}
    per_variant = networks.groupby("subject")["metric"].apply(sorted)
    assert all(
        metrics == ["images_per_s", "latency_ms", "peak_memory_mb", "train_step_ms"]
        for metrics in per_variant
    )
    assert (networks["nodes"] == 25).all()
    assert (networks["classes"] == 7).all()
    assert (networks["status"] == "ok").all()


def networks_of_tiny(tmp_path: Path, **timing: int) -> pd.DataFrame:
    """Status and value of every metric of the cascade."""
    run = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    prepare(run.data, tmp_path)
    table = time_networks([run], TimingConfig(**timing), data=tmp_path)
    return table.set_index("metric")[["value", "status"]]


def test_step_that_does_not_fit_has_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("difnet.timing.step.training_step", step)
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


def test_networks_compute_with_the_threads_of_the_benchmark(tmp_path: Path) -> None:
    for threads in (2, 1):
        networks_of_tiny(tmp_path, warmup=0, repeats=1, threads=threads)
        assert torch.get_num_threads() == threads


def test_throughput_follows_from_latency(timing: pd.DataFrame) -> None:
    rows = timing[(timing["subject"] == "cascade") & (timing["nodes"] == 64)].set_index("metric")
    latency, throughput = rows.loc["latency_ms"], rows.loc["images_per_s"]
    assert throughput["value"] == pytest.approx(1e3 * latency["batch"] / latency["value"])
    assert throughput["ci_low"] == pytest.approx(1e3 * latency["batch"] / latency["ci_high"])
    assert throughput["ci_low"] <= throughput["value"] <= throughput["ci_high"]


def test_growth_is_that_of_operators(folder: Path) -> None:
    growth = pd.read_csv(folder / "growth.csv")
    assert not growth["subject"].str.startswith("model:").any()
    assert "images_per_s" not in set(growth["metric"])
    assert {"cascade", "dense_inverse_scipy"} <= set(growth["subject"])


@pytest.mark.parametrize(("nodes", "grid"), [(36, (6, 6)), (40, (5, 8)), (7, (1, 7))])
def test_trained_features_have_any_number_of_nodes(tmp_path: Path, nodes: int, grid: tuple[int, int]) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    benchmark = CATALOGUE.benchmark("tiny")
    prepare(benchmark.data, data)
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    network = build_from_config(config.model, 7).eval()
    run.mkdir()
    RunFolder(run).write_config(config, {})
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
