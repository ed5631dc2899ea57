"""ADE20K: a miniature in its published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difnet.config import DataConfig
from difnet.data import load_prepared, prepare
from tests.data.trees import Label, prepared, problem, write_label, write_lines, write_photo

CONFIG = DataConfig(name="ade20k")
NAMES = {"training": ["ADE_train_00000001", "ADE_train_00000002"], "validation": ["ADE_val_00000001"]}
FIRST = ["wall", "building, edifice", "sky", "floor, flooring", "tree"]


def label_of(name: str) -> Label:
    """All values from 0 to 150, in an order of the image's own."""
    return np.random.default_rng(list(name.encode())).permutation(152).reshape(8, 19) % 151


def rows(first: list[str] = FIRST) -> list[str]:
    """The columns of the published table; some of its numbers and names end with a space."""
    names = [*first, *(f"thing {number} , object" for number in range(len(first), 150))]
    numbered = (f"{number} \t0.1\t10\t1\t{name}" for number, name in enumerate(names, start=1))
    return ["Idx\tRatio\tTrain\tVal\tName", *numbered]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data" / "ADEChallengeData2016"
    for split, names in NAMES.items():
        for name in names:
            write_photo(folder / "images" / split / f"{name}.jpg", size=(8, 19))
            write_label(folder / "annotations" / split / f"{name}.png", label_of(name))
    write_lines(folder / "objectInfo150.txt", *rows())
    write_lines(folder / "sceneCategories.txt", "ADE_train_00000001 airport_terminal")
    monkeypatch.setenv("DIFNET_DATA", str(folder.parent))
    return folder


def test_labels_are_one_less_and_not_labelled_is_void(root: Path, tmp_path: Path) -> None:
    splits = prepared(CONFIG, tmp_path / "store")
    assert {split: list(labels) for split, labels in splits.items()} == {
        "train": NAMES["training"],
        "val": NAMES["validation"],
    }
    for labels in splits.values():
        for name, label in labels.items():
            assert np.array_equal(label, np.where(label_of(name) == 0, 255, label_of(name) - 1))


@pytest.mark.parametrize(("orientation", "shape"), [(6, (8, 19)), (1, (19, 8)), (3, (19, 8))])
def test_an_image_turned_by_exif_is_shown_as_its_label(
    root: Path, tmp_path: Path, orientation: int, shape: tuple[int, int]
) -> None:
    path = root / "images" / "training" / f"{NAMES['training'][0]}.jpg"
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
    write_lines(root / "objectInfo150.txt", *rows(["building, edifice", "wall", *FIRST[2:]]))
    assert prepare(CONFIG, tmp_path / "store").classes[:2] == ("building", "wall")


def beyond(root: Path) -> None:
    write_label(root / "annotations" / "validation" / "ADE_val_00000001.png", np.full((8, 19), 151))


def without_label(root: Path) -> None:
    (root / "annotations" / "training" / "ADE_train_00000002.png").unlink()


def without_table(root: Path) -> None:
    (root / "objectInfo150.txt").unlink()


def short_table(root: Path) -> None:
    write_lines(root / "objectInfo150.txt", *rows()[:-1])


def same_name_twice(root: Path) -> None:
    write_lines(root / "objectInfo150.txt", *rows(["wall", "wall, partition"]))


def without_annotations(root: Path) -> None:
    (root / "annotations" / "validation").rename(root / "annotations" / "val")


def without_folder(root: Path) -> None:
    root.rename(root.with_name("ADE20K"))


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (beyond, ["label value outside 0..150", "ADE_val_00000001.png (value 151)"]),
        (without_label, ["(training)", "image without label", "ADE_train_00000002"]),
        (without_table, ["objectInfo150.txt: cannot be read", "add the file"]),
        (short_table, ["objectInfo150.txt: is not the table of 150 classes", "extract the archive again"]),
        (same_name_twice, ["objectInfo150.txt: is not the table of 150 classes"]),
        (without_annotations, ["annotations/validation: cannot be listed", "add the folder"]),
        (without_folder, ["data/ADEChallengeData2016", "difnet prepare ade20k --download"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_tree_is_one_line(
    root: Path, tmp_path: Path, damage: Callable[[Path], None], parts: list[str]
) -> None:
    damage(root)
    text = problem(CONFIG, tmp_path / "store")
    assert all(part in text for part in parts), text
