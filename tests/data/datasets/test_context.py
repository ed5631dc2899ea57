"""PASCAL Context: a miniature in its published layout, its numbers mapped by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from difnet.config import DataConfig
from difnet.data import prepare
from tests.data import trees
from tests.data.trees import prepared, problem, write_lines, write_photo


def config(count: int) -> DataConfig:
    return DataConfig(name="context", options={"count": count})


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    trees.context(tmp_path / "data")
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.mark.parametrize(("count", "first", "rest"), [(59, 0, 255), (60, 1, 0)])
def test_numbers_become_classes_by_name(
    tree: Path, tmp_path: Path, count: int, first: int, rest: int
) -> None:
    splits = prepared(config(count), tmp_path / "store")
    expected = np.array(
        [[first, 51 + first, 27 + first], [10 + first, rest, 58 + first], [rest, rest, rest]], dtype=np.uint8
    )
    assert {split: list(labels) for split, labels in splits.items()} == {
        "train": ["2008_000002", "2008_000003"],
        "val": ["2010_000044"],
    }
    assert np.array_equal(splits["train"]["2008_000002"], expected)
    assert np.array_equal(splits["train"]["2008_000003"], np.roll(expected, 1))
    assert np.array_equal(splits["val"]["2010_000044"], expected)


def test_every_class_is_reached(tree: Path, tmp_path: Path) -> None:
    """One pixel of each number: 59 classes once each, all else void."""
    path = tree / "PASCAL-Context" / "trainval" / "2010_000044.mat"
    savemat(path, {"LabelMap": np.arange(460, dtype=np.uint16).reshape(20, 23)})
    write_photo(tree / "VOCdevkit" / "VOC2010" / "JPEGImages" / "2010_000044.jpg", size=(20, 23))
    label = prepared(config(59), tmp_path / "store")["val"]["2010_000044"]
    assert sorted(label[label != 255]) == list(range(59))
    names = prepare(config(59), tmp_path / "store").classes
    spelt = {"table": "diningtable", "bedclothes": "bedcloth", "cloth": "clothes"}
    for number, name in trees.context_names().items():
        index = label.flat[number]
        assert (names[index] == spelt.get(name, name)) if index != 255 else (name not in names)


def test_classes_and_colours(tree: Path, tmp_path: Path) -> None:
    without, with_background = (prepare(config(count), tmp_path / str(count)) for count in (59, 60))
    assert without.classes == tuple(trees.CONTEXT.split())
    assert with_background.classes == ("background", *without.classes)
    assert with_background.palette[0] == (0, 0, 0) and with_background.palette[1:] == without.palette
    assert without.palette[0] == (128, 0, 0) and len(set(without.palette)) == 59


def test_other_numbers_prepare_again(tree: Path, tmp_path: Path) -> None:
    first = prepared(config(59), tmp_path / "store")["train"]["2008_000002"]
    lines = labels_file(tree).read_text().replace("2: aeroplane\n", "2: wood\n", 1)
    labels_file(tree).write_text(lines.replace("458: wood\n", "458: aeroplane\n"))
    second = prepared(config(59), tmp_path / "store")["train"]["2008_000002"]
    assert (first[0, 0], first[1, 2]) == (0, 58) and (second[0, 0], second[1, 2]) == (58, 0)


def labels_file(tree: Path) -> Path:
    return tree / "PASCAL-Context" / "labels.txt"


def lacks_a_class(tree: Path) -> None:
    labels_file(tree).write_text(labels_file(tree).read_text().replace(": table\n", ": desk\n"))


def bad_line(tree: Path) -> None:
    labels_file(tree).write_text("1: accordion\n<html>\n")


def vast_number(tree: Path) -> None:
    """Of which no table is to be made."""
    labels_file(tree).write_text(f"1: accordion\n{10**12}: aeroplane\n")


def empty(tree: Path) -> None:
    labels_file(tree).write_text("\n")


def too_few(tree: Path) -> None:
    write_lines(tree / "PASCAL-Context" / "59_labels.txt", "1: aeroplane", "2: bicycle")


def without_key(tree: Path) -> None:
    savemat(tree / "PASCAL-Context" / "trainval" / "2010_000044.mat", {"labels": trees.CONTEXT_LABEL})


def beyond(tree: Path) -> None:
    path = tree / "PASCAL-Context" / "trainval" / "2010_000044.mat"
    savemat(path, {"LabelMap": np.full((3, 3), 460, dtype=np.uint16)})


def without_images(tree: Path) -> None:
    (tree / "VOCdevkit" / "VOC2010").rename(tree / "VOC2010")


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (lacks_a_class, ["labels.txt: lacks the class 'diningtable'", "download both files again"]),
        (bad_line, ["labels.txt:2: '<html>' is not NUMBER: NAME", "download the file again"]),
        (vast_number, ["labels.txt:2: '1000000000000: aeroplane' is not NUMBER: NAME"]),
        (empty, ["labels.txt: is empty", "download the file again"]),
        (too_few, ["59_labels.txt: does not number 59 classes", "download the file again"]),
        (without_key, ["holds no map of integers LabelMap; replace the file", "2010_000044.mat"]),
        (beyond, ["label value outside 0..459", "2010_000044.mat (value 460)"]),
        (without_images, ["data/VOCdevkit/VOC2010", "difnet prepare context --download"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_tree_is_one_line(
    tree: Path, tmp_path: Path, damage: Callable[[Path], None], parts: list[str]
) -> None:
    damage(tree)
    text = problem(config(59), tmp_path / "store")
    assert all(part in text for part in parts), text
