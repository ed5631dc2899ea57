"""PASCAL VOC 2012 and SBD: a miniature of both in their published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from difnet.config import DataConfig
from difnet.data import prepare
from tests.data import trees
from tests.data.trees import prepared, problem, sbd_label, voc_label, write_lines, write_mat

TRAINAUG = DataConfig(name="voc2012", options={"train": "trainaug"})
TRAIN = DataConfig(name="voc2012", options={"train": "train"})


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    trees.voc2012(tmp_path / "data")
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_train_alone_with_void_borders(tree: Path, tmp_path: Path) -> None:
    (tree / "benchmark_RELEASE").rename(tmp_path / "away")
    splits = prepared(TRAIN, tmp_path / "store")
    assert {split: list(labels) for split, labels in splits.items()} == {
        "train": ["2007_000032", "2007_000039"],
        "val": ["2007_000033", "2007_000042"],
    }
    for labels in splits.values():
        for name, label in labels.items():
            assert np.array_equal(label, voc_label(name))
            assert 255 in label


def test_trainaug_adds_sbd_without_val_and_prefers_the_labels_of_voc(tree: Path, tmp_path: Path) -> None:
    splits = prepared(TRAINAUG, tmp_path / "store")
    added = ["2008_000008", "2009_000001", "2008_000015"]
    assert list(splits["train"]) == ["2007_000032", "2007_000039", *added]
    assert list(splits["val"]) == ["2007_000033", "2007_000042"]
    assert not np.array_equal(voc_label("2007_000032"), sbd_label("2007_000032"))
    for name in ("2007_000032", "2007_000039"):
        assert np.array_equal(splits["train"][name], voc_label(name))
    for name in added:
        assert np.array_equal(splits["train"][name], sbd_label(name))
    for name in splits["val"]:
        assert np.array_equal(splits["val"][name], voc_label(name))


def test_an_image_that_sbd_alone_has(tree: Path, tmp_path: Path) -> None:
    (tree / "VOCdevkit" / "VOC2012" / "JPEGImages" / "2009_000001.jpg").unlink()
    assert "2009_000001" in prepared(TRAINAUG, tmp_path / "store")["train"]


def test_classes_and_colours(tree: Path, tmp_path: Path) -> None:
    index = prepare(TRAINAUG, tmp_path / "store")
    colours = dict(zip(index.classes, index.palette, strict=True))
    assert len(index.classes) == 21
    assert (index.classes[0], index.classes[15], index.classes[20]) == ("background", "person", "tvmonitor")
    assert colours["background"] == (0, 0, 0)
    assert colours["aeroplane"] == (128, 0, 0)
    assert colours["chair"] == (192, 0, 0)
    assert colours["person"] == (192, 128, 128)
    assert colours["tvmonitor"] == (0, 64, 128)


def without_list(tree: Path) -> None:
    (tree / "VOCdevkit" / "VOC2012" / "ImageSets" / "Segmentation" / "val.txt").unlink()


def without_sbd(tree: Path) -> None:
    (tree / "benchmark_RELEASE" / "dataset").rename(tree / "dataset")


def without_sbd_label(tree: Path) -> None:
    (tree / "benchmark_RELEASE" / "dataset" / "cls" / "2008_000008.mat").unlink()


def mat_of(tree: Path) -> Path:
    return tree / "benchmark_RELEASE" / "dataset" / "cls" / "2008_000008.mat"


def other_member(tree: Path) -> None:
    write_mat(mat_of(tree), sbd_label("2008_000008"), field="Regions")


def other_variable(tree: Path) -> None:
    savemat(mat_of(tree), {"GTinst": sbd_label("2008_000008")})


def no_map(tree: Path) -> None:
    savemat(mat_of(tree), {"GTcls": {"Segmentation": "all of it"}})


def no_matlab(tree: Path) -> None:
    mat_of(tree).write_bytes(b"<html>404\n\nNot found</html>" * 20)


def beyond_the_classes(tree: Path) -> None:
    write_mat(mat_of(tree), np.full((6, 9), 21))


def other_size(tree: Path) -> None:
    write_mat(mat_of(tree), np.zeros((9, 6)))


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (without_list, ["val.txt", "cannot be read", "add the file"]),
        (without_sbd, ["benchmark_RELEASE/dataset not found at", "set DIFNET_DATA"]),
        (without_sbd_label, ["(trainaug)", "image without label", "2008_000008"]),
        (
            other_member,
            ["holds no map of integers GTcls.Segmentation", "replace the file", "cls/2008_000008.mat"],
        ),
        (other_variable, ["holds no map of integers GTcls.Segmentation", "2008_000008.mat"]),
        (no_map, ["holds no map of integers GTcls.Segmentation", "2008_000008.mat"]),
        (no_matlab, ["cannot be decoded; replace the file", "2008_000008.mat"]),
        (beyond_the_classes, ["label value outside 0..20", "2008_000008.mat (value 21)"]),
        (other_size, ["differ in size", "2008_000008.jpg (9x6 and 6x9)"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_tree_is_one_line(
    tree: Path, tmp_path: Path, damage: Callable[[Path], None], parts: list[str]
) -> None:
    damage(tree)
    text = problem(TRAINAUG, tmp_path / "store")
    assert all(part in text for part in parts), text


@pytest.mark.parametrize("config", [TRAIN, TRAINAUG])
def test_train_within_val_is_no_validation(tree: Path, tmp_path: Path, config: DataConfig) -> None:
    """With trainval as val, train would be scored; trainaug leaves out all of val."""
    lists = tree / "VOCdevkit" / "VOC2012" / "ImageSets" / "Segmentation"
    lists.joinpath("val.txt").write_bytes(lists.joinpath("trainval.txt").read_bytes())
    if config == TRAIN:
        assert problem(config, tmp_path / "store") == (
            "data set 'voc2012': in two splits; keep it in one: "
            "2007_000032 (train, val), 2007_000039 (train, val)"
        )
    else:
        splits = prepared(config, tmp_path / "store")
        assert not splits["train"].keys() & splits["val"].keys()


def test_another_list_of_sbd_prepares_again(tree: Path, tmp_path: Path) -> None:
    assert "2008_000015" in prepared(TRAINAUG, tmp_path / "store")["train"]
    write_lines(tree / "benchmark_RELEASE" / "dataset" / "val.txt", "2009_000001")
    assert "2008_000015" not in prepared(TRAINAUG, tmp_path / "store")["train"]
