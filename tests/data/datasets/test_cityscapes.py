"""Cityscapes: a miniature in its published layout."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from difnet.config import DataConfig
from difnet.data import prepare
from tests.data import trees
from tests.data.trees import SIZE, prepared, problem, write_label, write_photo

CONFIG = DataConfig(name="cityscapes")
TRAIN_IDS = {
    **{7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13},
    **{27: 14, 28: 15, 31: 16, 32: 17, 33: 18},
}
"""Train id of the label ids that are evaluated, as in the table of the data set's own scripts."""


def label_path(root: Path, split: str, name: str) -> Path:
    return root / "gtFine" / split / name.partition("_")[0] / f"{name}_gtFine_labelIds.png"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    trees.cityscapes(tmp_path / "data")
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "cityscapes"


def test_label_ids_become_train_ids_and_the_rest_void(root: Path, tmp_path: Path) -> None:
    splits = prepared(CONFIG, tmp_path / "store")
    assert {split: list(labels) for split, labels in splits.items()} == {
        split: trees.CITYSCAPES[split] for split in ("train", "val")
    }
    for labels in splits.values():
        for name, label in labels.items():
            expected = np.vectorize(lambda value: TRAIN_IDS.get(value, 255))(trees.cityscapes_label(name))
            assert np.array_equal(label, expected)
            assert set(np.unique(label)) == {*range(19), 255}


def test_classes_and_colours(root: Path, tmp_path: Path) -> None:
    index = prepare(CONFIG, tmp_path / "store")
    colours = dict(zip(index.classes, index.palette, strict=True))
    assert len(index.classes) == 19
    assert (index.classes[0], index.classes[8], index.classes[18]) == ("road", "vegetation", "bicycle")
    assert (colours["road"], colours["car"], colours["bicycle"]) == (
        (128, 64, 128),
        (0, 0, 142),
        (119, 11, 32),
    )


def test_frames_of_a_sequence_are_a_group(root: Path, tmp_path: Path) -> None:
    splits = prepare(CONFIG, tmp_path / "store").splits
    assert splits["train"].groups == ("aachen_000000", "aachen_000001", "zurich_000121")
    assert splits["val"].groups == ("frankfurt_000000",)


def test_what_a_file_manager_leaves_is_no_frame(root: Path, tmp_path: Path) -> None:
    for path in list(root.rglob("*.png")):
        path.with_name(f"._{path.name}").write_bytes(b"attributes")
    (root / "leftImg8bit" / "train" / ".DS_Store").write_bytes(b"")
    assert list(prepared(CONFIG, tmp_path / "store")["train"]) == trees.CITYSCAPES["train"]


def test_pipe_in_place_of_a_frame(root: Path, tmp_path: Path) -> None:
    path = root / "leftImg8bit" / "train" / "zurich" / f"{trees.CITYSCAPES['train'][2]}_leftImg8bit.png"
    path.unlink()
    os.mkfifo(path)
    assert f"{path.parent}: cannot be read; replace or remove it: {path.name} (not a file)" in problem(
        CONFIG, tmp_path / "store"
    )


def test_value_beyond_the_ids(root: Path, tmp_path: Path) -> None:
    path = label_path(root, "val", trees.CITYSCAPES["val"][0])
    write_label(path, np.full(SIZE, 34))
    assert f"label value outside 0..33; replace the file: {path} (value 34)" in problem(
        CONFIG, tmp_path / "s"
    )


def test_value_255_is_no_id(root: Path, tmp_path: Path) -> None:
    write_label(label_path(root, "val", trees.CITYSCAPES["val"][0]), np.full(SIZE, 255))
    assert "(value 255)" in problem(CONFIG, tmp_path / "store")


def test_split_without_cities(root: Path, tmp_path: Path) -> None:
    for folder in ("leftImg8bit", "gtFine"):
        (root / folder / "val" / "frankfurt").rename(root / folder / "frankfurt")
    assert "leftImg8bit/val: holds no images" in problem(CONFIG, tmp_path / "store")


@pytest.mark.parametrize("part", ["leftImg8bit", "gtFine"])
def test_missing_part_says_where_to_get_it(root: Path, tmp_path: Path, part: str) -> None:
    (root / part).rename(root / "elsewhere")
    text = problem(CONFIG, tmp_path / "store")
    assert f"{root / part / 'train'}" in text
    assert "register at https://www.cityscapes-dataset.com" in text and f"{part}_trainvaltest.zip" in text


def test_one_name_in_two_cities(root: Path, tmp_path: Path) -> None:
    copy = root / "leftImg8bit" / "train" / "zurich" / f"{trees.CITYSCAPES['train'][0]}_leftImg8bit.png"
    write_photo(copy)
    first = root / "leftImg8bit" / "train" / "aachen" / copy.name
    text = problem(CONFIG, tmp_path / "store")
    assert f"leftImg8bit/train: two files for one name; remove one: {first} and {copy}" in text


@pytest.mark.parametrize("folder", ["leftImg8bit/train/zurich", "gtFine/val/frankfurt", "gtFine/train"])
def test_a_folder_that_may_not_be_read(
    root: Path, tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as root, who may read everything: the system call says what it says to others."""
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path) == root / folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert problem(CONFIG, tmp_path / "store") == (
        f"{root / folder}: cannot be listed: Permission denied; add the folder or its permission"
    )
