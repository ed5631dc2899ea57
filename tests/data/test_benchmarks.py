"""The files of workflow/benchmarks/: all that they select resolves, whether or not the data are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from difnet.config import RunConfig, TrainConfig, plan
from difnet.data import open_dataset
from tests.conftest import CATALOGUE


def first_runs(benchmark: str, **selection: object) -> dict[str, RunConfig]:
    """The run of every variant with the first seed."""
    (part,) = plan(CATALOGUE, {"benchmarks": [benchmark], **selection}).benchmarks.values()
    return {run.variant: run for run in part.first_runs}


@pytest.fixture(autouse=True)
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path))


@pytest.mark.parametrize("name", CATALOGUE.benchmark_names)
def test_all_selected_runs_resolve(name: str) -> None:
    planned = plan(CATALOGUE, {"benchmarks": [name]})
    (part,) = planned.benchmarks.values()
    assert part.variants[0].name == part.reference
    assert all("frozen, it is the network of" in line for line in planned.left_out)
    open_dataset(part.data)


def test_the_recipe_of_the_paper() -> None:
    runs = first_runs("voc2012")
    assert set(runs) == {
        "cascade",
        "deeplab",
        "dense_inverse",
        "pixel_prior",
        "seed_only",
        "shared_resnet",
        "similarity_only",
    }
    train, model = runs["cascade"].train, runs["cascade"].model
    assert (train.batch_size, train.crop, train.scale, train.scaling) == (16, 321, (0.5, 1.4), "tenths")
    assert (train.learning_rate, train.power, train.momentum, train.weight_decay) == (2.5e-3, 0.9, 0.9, 5e-4)
    assert train.steps == train.epochs * train.steps_an_epoch(10_582) == 200 * 662
    assert (train.padding, train.padding_colour, train.padding_offset) == ("background", "black", "random")
    assert (train.norm_images, train.precision, train.select, train.looks_at_val) == (4, "fp32", "both", 200)
    assert (model.aspp_start, model.normalisation) == ("he", "caffe")
    assert runs["cascade"].evaluate.pad == (505, 505) and runs["cascade"].evaluate.pad_colour == "black"
    assert {run.train for run in runs.values()} == {train}
    networks = {variant: (run.model.name, run.model.weights) for variant, run in runs.items()}
    assert networks["cascade"] == ("difnet-50", "ResNet50_Weights.IMAGENET1K_V1")
    assert networks["deeplab"] == ("deeplab-50", "ResNet50_Weights.IMAGENET1K_V1")
    assert networks["pixel_prior"] == ("pixel_prior", None)


def test_depths_of_network_and_baseline_with_weights_of_their_own() -> None:
    runs = first_runs("voc2012-depths")
    networks = {variant: (run.model.name, run.model.weights) for variant, run in runs.items()}
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
    shallow = first_runs("voc2012", set=["model.name=difnet-18-50"])
    assert shallow["cascade"].model.weights == "ResNet50_Weights.IMAGENET1K_V1"


def test_the_other_recipes_of_voc2012() -> None:
    """As it is but for its accidents; and shorter. The catalogue has each accident of the authors' alone."""
    plain = TrainConfig()
    for name, steps in (("voc2012-modern", 132_400), ("voc2012-short", 30_000)):
        run = first_runs(name)["cascade"]
        assert (run.train.steps, run.train.crop, run.train.batch_size) == (steps, 321, 16)
        accidents = (
            "epochs",
            "scaling",
            "padding",
            "padding_colour",
            "padding_offset",
            "norm_images",
            "select",
        )
        for key in (*accidents, "precision"):
            assert getattr(run.train, key) == getattr(plain, key), key
        assert (run.model.aspp_start, run.model.normalisation) == ("narrow", "imagenet")
    authors = first_runs("voc2012")["cascade"]
    alone = first_runs("voc2012-modern", ablations=["authors"])
    explained = {key for run in alone.values() for key in run.changes}
    for section in ("model", "train", "evaluate"):
        own, modern = getattr(authors, section), getattr(alone["cascade"], section)
        differing = {
            f"{section}.{key}" for key in type(own).model_fields if getattr(own, key) != getattr(modern, key)
        }
        assert differing <= explained | {"train.epochs", "train.precision"}
