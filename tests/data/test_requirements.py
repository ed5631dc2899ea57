"""What cannot be scored is not trained: one line before the first step, at planning if the data is there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from difnet.config import DataConfig, InputError, RunConfig, resolve_run
from difnet.data import prepare
from difnet.data.requirements import check_memory, check_planned, check_run
from difnet.training import train_run
from tests.conftest import CATALOGUE

FAULTS = [
    ({"evaluate.split": "vall"}, "evaluate.split: data set 'folder' has no split 'vall'; did you mean 'val'"),
    ({"evaluate.pad": "[24, 31]"}, "evaluate.pad: plant3 has 24 x 32 pixels .* at least \\[24, 32\\]"),
    (
        {"train.steps": "7", "train.epochs": "3"},
        r"train.steps: 7 are not train.epochs, 3 epochs of 2 steps \(8 images in batches of 4\); set it to 6",
    ),
    (
        {"train.scale": "[0.5, 1.4]", "train.crop": "null"},
        "train.scale makes images .* set train.crop as well",
    ),
    ({"train.crop": "3"}, "train.crop: images of 3 pixels are too small for the network; .* least 4"),
]


def run(own: Path, settings: dict[str, str]) -> RunConfig:
    overrides = [f"{key}={value}" for key, value in settings.items()]
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0, overrides=overrides)
    return config.model_copy(update={"data": DataConfig(name="folder", options={"root": str(own)})})


@pytest.mark.parametrize(("settings", "message"), FAULTS)
def test_before_the_first_step(own: Path, tmp_path: Path, settings: dict[str, str], message: str) -> None:
    config = run(own, settings)
    index = prepare(config.data, tmp_path / "data")
    with pytest.raises(InputError, match=message):
        check_run(config, index)
    with pytest.raises(InputError, match=message):
        train_run(config, data=tmp_path / "data", out=tmp_path / "run", command="")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"train.batch_size": "1000000000000"},
            r"train.batch_size: the images of one batch take .* GiB, this",
        ),
        ({"train.crop": "1000000"}, r"train.batch_size: .* lower it, or train.crop$"),
    ],
)
def test_batches_beyond_memory(own: Path, tmp_path: Path, settings: dict[str, str], message: str) -> None:
    config = run(own, settings)
    prepare(config.data, tmp_path / "data")
    with pytest.raises(InputError, match=message):
        train_run(config, data=tmp_path / "data", out=tmp_path / "run", command="")
    assert not (tmp_path / "run").exists()


def test_scaled_images_beyond_memory(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = prepare(run(own, {}).data, tmp_path / "data")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=2_000_000))
    check_memory(run(own, {}), index)
    with pytest.raises(InputError, match=r"evaluate.batch_size: .* lower it, or evaluate.scales$"):
        check_memory(run(own, {"evaluate.scales": "[1.0, 16]"}), index)


def test_images_beyond_any(own: Path, tmp_path: Path) -> None:
    config = DataConfig(name="folder", size=(100_000, 100_000), options={"root": str(own)})
    with pytest.raises(InputError, match="data.size: 100000 x 100000 pixels are more than the 40 megapixels"):
        prepare(config, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_at_planning(own: Path, tmp_path: Path) -> None:
    """A split by the lists alone, sizes once the images have been read."""
    store = tmp_path / "data"
    (split, at_split), (pad, at_pad), *_ = FAULTS
    check_planned([run(own, {}), run(own, pad)], store)
    with pytest.raises(InputError, match=at_split):
        check_planned([run(own, {}), run(own, split)], store)
    prepare(run(own, {}).data, store)
    check_planned([run(own, {})], store)
    with pytest.raises(InputError, match=at_pad):
        check_planned([run(own, {}), run(own, pad)], store)
    (own / "val.txt").write_text("plant3\n", encoding="utf-8")
    check_planned([run(own, pad)], store)  # the store is of former data


def test_data_that_are_not_there_are_no_fault_of_a_plan(tmp_path: Path) -> None:
    check_planned([run(tmp_path / "nowhere", {"evaluate.split": "vall"})], tmp_path / "data")


@pytest.mark.parametrize("name", ["validation", "Val", "valid", "testing", "training"])
def test_a_list_that_only_resembles_that_of_a_split(own: Path, tmp_path: Path, name: str) -> None:
    (own / "val.txt").rename(own / f"{name}.txt")
    split = "test" if name == "testing" else "train" if name == "training" else "val"
    with pytest.raises(InputError, match=f"{name}.txt: is the list of no split; rename it to {split}.txt"):
        check_planned([run(own, {})], tmp_path / "data")


def test_a_list_beside_that_of_its_split_is_not_read(own: Path, tmp_path: Path) -> None:
    (own / "validation.txt").write_text("plant1\n", encoding="utf-8")
    assert prepare(run(own, {}).data, tmp_path / "data").splits["val"].names == ("plant3", "plant7")
