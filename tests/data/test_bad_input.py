"""Bad data sets on disk: every message is one line that names the file and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difnet.config import DataConfig, InputError
from difnet.data import load_prepared, prepare
from tests.data.conftest import write_pair


def message(root: Path, store: Path) -> str:
    """The error of preparing a user's own folder, which must leave no pixels behind."""
    with pytest.raises(InputError) as error:
        prepare(DataConfig(name="folder", options={"root": str(root)}), store)
    assert "\n" not in str(error.value)
    assert not list(store.rglob("*.bin")) and not list(store.rglob("*.json"))
    return str(error.value)


def change_label(root: Path, value: int) -> None:
    path = root / "labels" / "plant1.png"
    with Image.open(path) as image:
        label = np.array(image)
    label[0, 0] = value
    Image.fromarray(label).save(path)


def truncate(path: Path) -> None:
    """Cut off the last tenth, which leaves the header and most pixels whole."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])


def truncated_jpeg(root: Path) -> None:
    with Image.open(root / "images" / "plant1.png") as image:
        image.save(root / "images" / "plant1.jpg")
    (root / "images" / "plant1.png").unlink()
    truncate(root / "images" / "plant1.jpg")


def colour_label(root: Path) -> None:
    Image.fromarray(np.zeros((24, 32, 3), dtype=np.uint8)).save(root / "labels" / "plant1.png")


def other_size(root: Path) -> None:
    Image.fromarray(np.zeros((24, 30), dtype=np.uint8)).save(root / "labels" / "plant1.png")


def no_images(root: Path) -> None:
    for path in (*(root / "images").iterdir(), *(root / "labels").iterdir(), root / "val.txt"):
        path.unlink()


def no_classes(root: Path) -> None:
    (root / "classes.txt").unlink()


def leak(root: Path) -> None:
    (root / "test.txt").write_text("plant1\nplant3\n", encoding="utf-8")


def unknown_name(root: Path) -> None:
    (root / "val.txt").write_text("plant3\nplant77\n", encoding="utf-8")


def two_images(root: Path) -> None:
    with Image.open(root / "images" / "plant1.png") as image:
        image.save(root / "images" / "plant1.jpg")


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (lambda root: change_label(root, 3), ["plant1.png (value 3)", "0..2", "correct the label"]),
        (lambda root: (root / "labels" / "plant1.png").unlink(), ["plant1", "add the label"]),
        (lambda root: (root / "images" / "plant1.png").unlink(), ["plant1", "add the image"]),
        (other_size, ["plant1.png (32x24 and 30x24)", "crop or resize"]),
        (lambda root: truncate(root / "images" / "plant1.png"), ["plant1.png", "replace the file"]),
        (lambda root: truncate(root / "labels" / "plant1.png"), ["plant1.png", "replace the file"]),
        (truncated_jpeg, ["plant1.jpg", "replace the file"]),
        (
            lambda root: (root / "images" / "plant1.png").write_text("no"),
            ["plant1.png (not an image)", "replace the file"],
        ),
        (colour_label, ["plant1.png", "in colours where class indices are expected", "convert"]),
        (no_images, ["(train)", "holds no images", "add some"]),
        (no_classes, ["classes.txt", "cannot be read", "add the file"]),
        (lambda root: (root / "classes.txt").write_text("leaf\nleaf\n"), ["classes.txt", "different ones"]),
        (leak, ["plant3 (test.txt)", "keep it in one list"]),
        (unknown_name, ["(val)", "plant77", "remove the name"]),
        (two_images, ["plant1.png", "remove one"]),
        (lambda root: (root / "labels").rename(root / "masks"), ["labels", "add the folder"]),
        (lambda root: root.rename(root.with_name("moved")), ["no such folder", "data.options.root"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_one_bad_file_is_named_with_the_remedy(
    own: Path, tmp_path: Path, damage: Callable[[Path], object], parts: list[str]
) -> None:
    damage(own)
    text = message(own, tmp_path / "store")
    assert all(part in text for part in parts), text


def test_all_bad_files_are_reported_at_once_ten_by_name(own: Path, tmp_path: Path) -> None:
    for number in range(20, 35):
        write_pair(own, f"plant{number}")
        truncate(own / "images" / f"plant{number}.png")
    change_label(own, 9)
    text = message(own, tmp_path / "store")
    assert "(15 in all)" in text and text.count("images/plant") == 10
    assert "plant1.png (value 9)" in text


def test_originals_are_not_touched(own: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    prepare(DataConfig(name="folder", size=(12, 12), options={"root": str(own)}), tmp_path / "store")
    assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before


def test_missing_data_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "workflow" / "benchmarks").mkdir(parents=True)
    (tmp_path / "ablations").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(InputError) as error:
        prepare(DataConfig(name="camvid"), tmp_path / "store")
    places = [tmp_path / "elsewhere" / "CamVid", tmp_path / "data" / "CamVid"]
    assert all(str(place) in str(error.value) for place in places)
    assert "set DIFNET_DATA to the folder that holds CamVid" in str(error.value)
    monkeypatch.delenv("DIFNET_DATA")
    with pytest.raises(InputError, match="not set"):
        prepare(DataConfig(name="camvid"), tmp_path / "store")


def test_camvid_label_outside_its_range(camvid: Path, tmp_path: Path) -> None:
    path = camvid / "valannot" / "0016E5_4.png"
    Image.fromarray(np.full((36, 48), 12, dtype=np.uint8)).save(path)
    with pytest.raises(InputError) as error:
        prepare(DataConfig(name="camvid"), tmp_path / "store")
    assert f"{path} (value 12)" in str(error.value) and "0..10 (11 is void)" in str(error.value)


def test_camvid_without_a_split_list(camvid: Path, tmp_path: Path) -> None:
    (camvid / "val.txt").unlink()
    with pytest.raises(InputError, match=r"val\.txt: cannot be read.*add the file"):
        prepare(DataConfig(name="camvid"), tmp_path / "store")


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (DataConfig(name="shape"), "unknown data set 'shape'; did you mean 'shapes'?"),
        (DataConfig(name="shapes", options={"nose": 0.1}), "unknown key 'nose'; did you mean 'noise'?"),
        (DataConfig(name="shapes", options={"marker": 2}), "marker: .*greater than or equal to 5"),
        (DataConfig(name="folder"), "data.options of 'folder': the key 'root' is missing"),
        (DataConfig(name="camvid", options={"root": "x"}), "unknown key 'root'"),
    ],
)
def test_unknown_names_and_options(config: DataConfig, text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=text):
        prepare(config, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_unknown_split_names_the_known_ones(own: Path, tmp_path: Path) -> None:
    prepare(DataConfig(name="folder", options={"root": str(own)}), tmp_path / "store")
    data = load_prepared(tmp_path / "store")
    with pytest.raises(InputError, match="'folder' has no split 'vall'; did you mean 'val'"):
        data.split("vall")
    with pytest.raises(InputError, match="known are train, val"):
        data.split("x")
