"""CamVid: a miniature tree in its layout, and the real one where it is there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difnet.config import DataConfig
from difnet.data import VOID, load_prepared, open_dataset, prepare
from tests.data.trees import problem

CONFIG = DataConfig(name="camvid")


def test_frames_of_both_kinds_and_void(camvid: Path, tmp_path: Path) -> None:
    index = prepare(CONFIG, tmp_path / "store")
    train = load_prepared(tmp_path / "store").split("train")
    assert list(index.splits) == ["train", "val"]
    assert train.names == ("0001TP_1", "0001TP_2", "0016E5_3")
    for i, name in enumerate(train.names):
        with Image.open(camvid / "trainannot" / f"{name}.png") as image:
            label = np.asarray(image)
        assert np.array_equal(train.label(i) == VOID, label == 11)
        assert np.array_equal(train.label(i)[label < 11], label[label < 11])


def test_lists_with_paths_and_a_test_split(camvid: Path) -> None:
    lines = "/SegNet/CamVid/test/0016E5_4.jpg /SegNet/CamVid/testannot/0016E5_4.png\n"
    (camvid / "val").rename(camvid / "test")
    (camvid / "valannot").rename(camvid / "testannot")
    (camvid / "test.txt").write_text(lines, encoding="utf-8")
    (camvid / "val").symlink_to(camvid / "train")
    (camvid / "valannot").symlink_to(camvid / "trainannot")
    (camvid / "val.txt").write_text("0001TP_1\n", encoding="utf-8")
    samples = open_dataset(CONFIG).samples()
    assert [sample.name for sample in samples["test"]] == ["0016E5_4"]


@pytest.mark.parametrize("line", ["a.b", "a.b.png", "/CamVid/train/a.b.png /CamVid/trainannot/a.b.png"])
def test_a_name_with_a_dot(line: str, camvid: Path) -> None:
    for folder in ("train", "trainannot"):
        (camvid / folder / "0001TP_1.png").rename(camvid / folder / "a.b.png")
    (camvid / "train.txt").write_text(f"{line}\n", encoding="utf-8")
    (sample,) = open_dataset(CONFIG).samples()["train"]
    assert sample.name == "a.b" and sample.files[0] == camvid / "train" / "a.b.png"


def test_one_frame_in_two_splits(camvid: Path, tmp_path: Path) -> None:
    for part in ("{}", "{}annot"):
        shutil.copytree(camvid / part.format("train"), camvid / part.format("val"), dirs_exist_ok=True)
    shutil.copy(camvid / "train.txt", camvid / "val.txt")
    assert problem(CONFIG, tmp_path / "store") == (
        "data set 'camvid': in two splits; keep it in one: "
        "0001TP_1 (train, val), 0001TP_2 (train, val), 0016E5_3 (train, val)"
    )


def test_a_label_that_is_no_png_is_named(camvid: Path, tmp_path: Path) -> None:
    label = camvid / "trainannot" / "0001TP_1.png"
    with Image.open(label) as image:
        image.save(label.with_suffix(".gif"))
    label.unlink()
    assert f"{label.with_suffix('.gif')} (not a PNG)" in problem(CONFIG, tmp_path / "store")


@pytest.fixture(scope="module")
def store(real_camvid: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("camvid")
    prepare(CONFIG.model_copy(update={"size": (120, 160)}), directory)
    return directory


def test_real_splits(store: Path) -> None:
    index = load_prepared(store).index
    assert len(index.splits["train"].names) == 367
    assert len(index.splits["val"].names) == 101
    assert not set(index.splits["train"].names) & set(index.splits["val"].names)
    assert not index.synthetic and "Brostow" in index.citation


def test_real_labels_hold_every_class_and_void(store: Path) -> None:
    val = load_prepared(store).split("val")
    values = np.unique(np.stack([val.label(i) for i in range(len(val))]))
    assert values.tolist() == [*range(11), VOID]


def test_real_sky_is_above_the_road(store: Path) -> None:
    """Class order: 0 is sky, 3 is road."""
    val = load_prepared(store).split("val")
    rows = np.arange(120)[:, None].repeat(160, 1)
    labels = [val.label(i) for i in range(len(val))]
    sky = np.concatenate([rows[label == 0] for label in labels]).mean()
    road = np.concatenate([rows[label == 3] for label in labels]).mean()
    assert sky < 45 and road > 75
