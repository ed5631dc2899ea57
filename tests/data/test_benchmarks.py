"""The files of workflow/benchmarks/: all that they select resolves, whether or not the data are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from difnet.config import benchmark_names, load_benchmark, plan
from difnet.data import dataset_names, open_dataset
from tests.conftest import PROJECT

NAMES = benchmark_names(PROJECT)
DATA = {"voc2012", "context", "cityscapes", "ade20k", "camvid", "shapes", "folder"}


@pytest.fixture(autouse=True)
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path))


def test_every_data_set_has_a_benchmark() -> None:
    assert {load_benchmark(PROJECT, name).data.name for name in NAMES} == DATA == set(dataset_names())
    assert set(NAMES) >= DATA


@pytest.mark.parametrize("name", NAMES)
def test_all_selected_runs_resolve(name: str) -> None:
    planned = plan(PROJECT, {"benchmarks": [name]})
    assert planned.variants(name)[0] == "cascade"
    assert not planned.left_out
    open_dataset(planned.benchmarks[name].data)


def test_the_recipe_of_the_paper() -> None:
    runs = plan(PROJECT, {"benchmarks": ["voc2012"]}).runs
    variants = {variant for _, variant, _ in runs}
    assert variants == {
        "cascade",
        "deeplab",
        "dense_inverse",
        "pixel_prior",
        "seed_only",
        "similarity_only",
    }
    train = runs["voc2012", "cascade", "0"].train
    assert (train.batch_size, train.crop, train.scale) == (16, 321, (0.5, 1.4))
    assert (train.learning_rate, train.power, train.momentum, train.weight_decay) == (2.5e-3, 0.9, 0.9, 5e-4)
    assert {run.train for run in runs.values()} == {train}
    networks = {variant: (run.model.name, run.model.weights) for (_, variant, _), run in runs.items()}
    assert networks["cascade"] == ("difnet-50", "ResNet50_Weights.IMAGENET1K_V1")
    assert networks["deeplab"] == ("deeplab-50", "ResNet50_Weights.IMAGENET1K_V1")
    assert networks["pixel_prior"] == ("pixel_prior", None)


def test_depths_of_network_and_baseline_with_weights_of_their_own() -> None:
    runs = plan(PROJECT, {"benchmarks": ["voc2012-depths"], "seeds": [0]}).runs
    networks = {variant: (run.model.name, run.model.weights) for (_, variant, _), run in runs.items()}
    assert networks == {
        variant + at: (f"{kind}-{depth}", f"ResNet{depth}_Weights.IMAGENET1K_V1")
        for variant, kind in (("cascade", "difnet"), ("deeplab", "deeplab"))
        for at, depth in (
            ("", 50),
            ("@name=difnet-18", 18),
            ("@name=difnet-34", 34),
            ("@name=difnet-101", 101),
        )
    }
    shallow = plan(
        PROJECT, {"benchmarks": ["voc2012"], "seeds": [0], "set": ["model.name=difnet-18-50"]}
    ).runs
    assert shallow["voc2012", "cascade", "0"].model.weights == "ResNet50_Weights.IMAGENET1K_V1"
