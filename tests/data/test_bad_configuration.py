"""Names, options and places that are wrong, and originals that stay as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difnet.cli.prepare import prepare as command
from difnet.config import DataConfig, InputError
from difnet.data import prepare


def test_originals_are_not_touched(own: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    prepare(DataConfig(name="folder", size=(12, 12), options={"root": str(own)}), tmp_path / "store")
    assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before


def test_data_that_are_found_need_no_project(
    camvid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("difnet.data.files.tree.work_folder", lambda: pytest.fail("not needed"))
    assert len(prepare(DataConfig(name="camvid"), tmp_path / "store").splits["train"].names) == 4


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


@pytest.mark.parametrize("download", [False, True])
@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("~nobody-of-this-name", "DIFNET_DATA=~nobody-of-this-name: no such user; set it to a folder"),
        ("long" * 300, "not found at (long)+/ADE|(long)+: cannot be written: File name too long"),
        ("/dev/null", "not found at /dev/null/ADE|/dev/null: cannot be written: Not a directory"),
    ],
)
def test_data_in_a_place_that_cannot_be(
    place: str, text: str, download: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFNET_DATA", place)
    with pytest.raises(InputError, match=text):
        command("ade20k", download=download, data=tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_camvid_label_outside_its_range(camvid: Path, tmp_path: Path) -> None:
    path = camvid / "valannot" / "0016E5_00059.png"
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
        (DataConfig(name="folder", options={"root": ""}), "root: .*is empty; set it to the folder"),
        (DataConfig(name="cityscapes", options={"root": "x"}), "unknown key 'root'; remove or rename it$"),
    ],
)
def test_unknown_names_and_options(config: DataConfig, text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=text):
        prepare(config, tmp_path / "store")
    assert not (tmp_path / "store").exists()
