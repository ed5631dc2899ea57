"""The tables of timing of a benchmark: operators, networks, both in one, and growth."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from difnet.config import InputError, plan
from difnet.tables import BREAKDOWN, FEATURES, GROWTH, TIMING
from difnet.timing import join_parts, time_benchmark
from difnet.timing.benchmark import Part, _write_machine
from tests.conftest import CATALOGUE

TRAINED = ("cascade", "deeplab", "dense_inverse", "seed_only", "shared_resnet", "similarity_only")
TINY = plan(CATALOGUE, {"benchmarks": ["tiny"], "seeds": [0]}).benchmarks["tiny"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of `tiny` on a small grid."""
    grid = TINY.timing.model_copy(update={"nodes": (16, 36, 64), "threads": 1})
    planned = TINY.model_copy(update={"timing": grid})
    out = tmp_path_factory.mktemp("out")
    written = time_benchmark(planned, data=tmp_path_factory.mktemp("data"), out=out)
    names = [
        "timing/operators.csv",
        "growth.csv",
        "timing/features.csv",
        "timing/operators.json",
        "timing/networks.csv",
        "timing/breakdown.csv",
        "timing/networks.json",
        "timing.csv",
    ]
    assert written == [out / name for name in names]
    return out


@pytest.fixture(scope="module")
def timing(folder: Path) -> pd.DataFrame:
    return TIMING.read(folder / "timing.csv")


def test_the_table_holds_both_parts(folder: Path, timing: pd.DataFrame) -> None:
    operators, networks = (TIMING.read(folder / "timing" / f"{part}.csv") for part in get_args(Part))
    assert_frame_equal(timing, pd.concat([operators, networks], ignore_index=True))
    assert not operators["subject"].str.startswith("model:").any()
    assert set(BREAKDOWN.read(folder / "timing" / "breakdown.csv")["variant"]) == set(TRAINED)


def test_what_it_was_timed_with_lies_beside_each_part(folder: Path) -> None:
    for part in get_args(Part):
        record = json.loads((folder / "timing" / f"{part}.json").read_text())
        assert record["device"] == "cpu" and record["throttled_share"] is None
        assert record["torch"] and record["threads"] == 1


def test_a_gpu_below_its_clock_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_machine(tmp_path / "operators.csv", 0.31)
    _write_machine(tmp_path / "networks.csv", math.nan)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: the GPU was held below its clock for 31% of the time")
    assert json.loads((tmp_path / "operators.json").read_text())["throttled_share"] == 0.31


def test_every_trained_variant_has_its_rows(timing: pd.DataFrame) -> None:
    networks = timing[timing["subject"].str.startswith("model:")]
    metrics = ["images_per_s", "latency_ms", "peak_memory_mb", "train_step_ms"]
    assert networks.groupby("subject")["metric"].apply(sorted).to_dict() == {
        f"model:{variant}": metrics for variant in TRAINED
    }
    assert set(networks["nodes"]) == {25} and set(networks["classes"]) == {7}
    assert set(networks["status"]) == {"ok"} and (networks["value"] > 0).all()
    assert set(networks["batch"][networks["metric"] == "latency_ms"]) == {1}


def test_one_part_leaves_the_other_alone(tmp_path: Path) -> None:
    (prior,) = [variant for variant in TINY.variants if variant.name == "pixel_prior"]
    planned = TINY.model_copy(update={"variants": (prior,)})
    written = time_benchmark(planned, data=tmp_path / "data", out=tmp_path, only="networks")
    names = ("networks.csv", "breakdown.csv", "networks.json")
    assert written == [tmp_path / "timing" / name for name in names]
    assert TIMING.rows(TIMING.read(written[0])) == BREAKDOWN.rows(BREAKDOWN.read(written[1])) == []
    assert not (tmp_path / "timing.csv").exists()


def test_tables_of_others_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "growth.csv").write_text("mine")
    with pytest.raises(InputError, match=r"growth\.csv: is there already and not written by difnet"):
        time_benchmark(TINY, data=tmp_path / "data", out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["growth.csv"], "before anything is timed"


def test_a_plan_that_times_nothing_is_refused(tmp_path: Path) -> None:
    command = "snakemake --cores all --config 'benchmarks=[tiny]' 'seeds=[0]' timing=true"
    with pytest.raises(
        InputError, match=re.escape(f"tiny: nothing is timed, it says timing: false; {command}")
    ):
        time_benchmark(TINY.model_copy(update={"timing": False}), data=tmp_path / "data", out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_throughput_follows_from_latency(timing: pd.DataFrame) -> None:
    main = timing[timing["features"] == "start"]
    rows = main[(main["subject"] == "cascade") & (main["nodes"] == 64)].set_index("metric")
    latency, throughput = rows.loc["latency_ms"], rows.loc["images_per_s"]
    assert throughput["value"] == pytest.approx(1e3 * latency["batch"] / latency["value"])
    assert throughput["ci_low"] == pytest.approx(1e3 * latency["batch"] / latency["ci_high"])
    assert throughput["ci_low"] <= throughput["value"] <= throughput["ci_high"]
    assert throughput["log_value"] == pytest.approx(math.log(1e3 * latency["batch"]) - latency["log_value"])
    assert throughput["standard_error"] == latency["standard_error"]


def test_growth_is_that_of_operators(folder: Path) -> None:
    growth = GROWTH.read(folder / "growth.csv")
    assert not growth["subject"].str.startswith("model:").any()
    assert "images_per_s" not in set(growth["metric"])
    assert {"cascade", "dense_inverse_scipy"} <= set(growth["subject"])


def test_features_are_those_of_a_network_at_its_start_and_random_ones(
    folder: Path, timing: pd.DataFrame
) -> None:
    networks = timing["subject"].str.startswith("model:")
    assert set(timing.loc[~networks, "features"]) == {"start", "random"}
    assert set(timing.loc[networks, "features"]) == {""}
    features = FEATURES.read(folder / "timing" / "features.csv")
    assert features.groupby(["features", "nodes"])["level"].agg(list).to_dict() == {
        (name, nodes): [1, 2, 3, 4, 5] for name in ("start", "random") for nodes in (16, 36, 64)
    }


def test_foreign_load_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (prior,) = [variant for variant in TINY.variants if variant.name == "pixel_prior"]
    grid = TINY.timing.model_copy(update={"nodes": (16,), "repeats": 1, "warmup": 0})
    planned = TINY.model_copy(update={"variants": (prior,), "timing": grid})
    for share, said in ((0.37, True), (0.04, False)):
        monkeypatch.setattr("difnet.timing.foreign_load.ForeignLoad.share", lambda _, share=share: share)
        (operators, *_) = time_benchmark(planned, data=tmp_path / "data", out=tmp_path, only="operators")
        measured = TIMING.read(operators).query("status == 'ok'")
        assert set(measured["foreign_share"]) == {share}
        warned = "warning: other processes took up to 37% of the processors' time" in capsys.readouterr().err
        assert warned == said


def test_parts_that_are_missing_or_changed_are_not_joined(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert join_parts(copy).read_bytes() == (folder / "timing.csv").read_bytes()
    path = copy / "timing" / "networks.csv"
    path.write_text(path.read_text().replace("cascade", "cascad"))
    with pytest.raises(
        InputError, match=r"timing/networks.csv is not what was written: .*: difnet time FOLDER"
    ):
        join_parts(copy)
