"""ADE20K: a miniature in its published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difnet.config import DataConfig
from difnet.data import load_prepared, prepare
from tests.data import trees
from tests.data.trees import ade20k_label, ade20k_table, prepared, problem, write_label, write_lines

CONFIG = DataConfig(name="ade20k")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    trees.ade20k(tmp_path / "data")
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "ADEChallengeData2016"


def test_labels_are_one_less_and_not_labelled_is_void(root: Path, tmp_path: Path) -> None:
    splits = prepared(CONFIG, tmp_path / "store")
    assert {split: list(labels) for split, labels in splits.items()} == {
        "train": trees.ADE20K["training"],
        "val": trees.ADE20K["validation"],
    }
    for labels in splits.values():
        for name, label in labels.items():
            assert np.array_equal(label, np.where(ade20k_label(name) == 0, 255, ade20k_label(name) - 1))


@pytest.mark.parametrize(("orientation", "shape"), [(6, (8, 19)), (1, (19, 8)), (3, (19, 8))])
def test_an_image_turned_by_exif_is_shown_as_its_label(
    root: Path, tmp_path: Path, orientation: int, shape: tuple[int, int]
) -> None:
    path = root / "images" / "training" / f"{trees.ADE20K['training'][0]}.jpg"
    exif = Image.Exif()
    exif[0x112] = orientation
    pixels = np.zeros((19, 8, 3), dtype=np.uint8)
    pixels[:, :4] = 255
    Image.fromarray(pixels).save(path, exif=exif, quality=100)
    write_label(root / "annotations" / "training" / f"{path.stem}.png", np.full(shape, 3))
    prepare(CONFIG, tmp_path / "store")
    image = load_prepared(tmp_path / "store").split("train").image(0)
    assert image.shape == (*shape, 3)
    assert np.array_equal(image > 127, np.rot90(pixels, -1) > 127 if orientation == 6 else pixels > 127)


def test_classes_and_colours(root: Path, tmp_path: Path) -> None:
    index = prepare(CONFIG, tmp_path / "store")
    assert index.classes[:5] == ("wall", "building", "sky", "floor", "tree")
    assert index.classes[149] == "thing 149" and len(index.classes) == 150
    assert len(set(index.palette)) == 150 and (0, 0, 0) not in index.palette


def test_other_names_prepare_again(root: Path, tmp_path: Path) -> None:
    assert prepare(CONFIG, tmp_path / "store").classes[:2] == ("wall", "building")
    write_lines(root / "objectInfo150.txt", *ade20k_table("building, edifice", "wall"))
    assert prepare(CONFIG, tmp_path / "store").classes[:2] == ("building", "wall")


def beyond(root: Path) -> None:
    write_label(root / "annotations" / "validation" / "ADE_val_00000001.png", np.full((8, 19), 151))


def without_table(root: Path) -> None:
    (root / "objectInfo150.txt").unlink()


def short_table(root: Path) -> None:
    write_lines(root / "objectInfo150.txt", *ade20k_table()[:-1])


def same_name_twice(root: Path) -> None:
    write_lines(root / "objectInfo150.txt", *ade20k_table("wall", "wall, partition"))


def without_annotations(root: Path) -> None:
    (root / "annotations" / "validation").rename(root / "annotations" / "val")


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (beyond, ["label value outside 0..150", "ADE_val_00000001.png (value 151)"]),
        (without_table, ["objectInfo150.txt: cannot be read", "add the file"]),
        (short_table, ["objectInfo150.txt: is not the table of 150 classes", "extract the archive again"]),
        (same_name_twice, ["objectInfo150.txt: is not the table of 150 classes"]),
        (without_annotations, ["annotations/validation: cannot be listed", "add the folder"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_tree_is_one_line(
    root: Path, tmp_path: Path, damage: Callable[[Path], None], parts: list[str]
) -> None:
    damage(root)
    text = problem(CONFIG, tmp_path / "store")
    assert all(part in text for part in parts), text
