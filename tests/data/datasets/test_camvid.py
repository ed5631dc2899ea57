"""CamVid: a miniature tree in its layout, and the real one where it is there."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difnet.config import DataConfig
from difnet.data import VOID, Sample, load_prepared, open_dataset, prepare
from tests.data.trees import CAMVID, problem, write_lines

CONFIG = DataConfig(name="camvid")
AUTHORS = DataConfig(name="camvid", options={"split": "authors"})
REAL = {
    "sequences": {"train": {"0001TP": 62, "0006R0": 101}, "val": {"0016E5": 211}},
    "authors": {"train": {"0001TP": 62, "0006R0": 101, "0016E5": 204}, "val": {"0016E5": 101}},
}
"""Frames of every shot in the copy without the authors' test."""


def names_of(samples: dict[str, list[Sample]]) -> dict[str, list[str]]:
    return {split: [sample.name for sample in members] for split, members in samples.items()}


def write_list(camvid: Path, split: str, *names: str) -> None:
    """A list and, where they are not there, its frames with their labels: copies of another."""
    for source in (camvid / "train" / "0001TP_000030.png", camvid / "trainannot" / "0001TP_000030.png"):
        folder = camvid / source.parent.name.replace("train", split)
        folder.mkdir(exist_ok=True)
        for name in names:
            if not list(folder.glob(f"{name}.*")):
                shutil.copy(source, folder / f"{name}.png")
    write_lines(camvid / f"{split}.txt", *names)


def test_frames_of_both_kinds_and_void(camvid: Path, tmp_path: Path) -> None:
    index = prepare(AUTHORS, tmp_path / "store")
    train = load_prepared(tmp_path / "store").split("train")
    assert list(index.splits) == ["train", "val"]
    assert list(train.names) == CAMVID["train"]
    for i, name in enumerate(train.names):
        with Image.open(camvid / "trainannot" / f"{name}.png") as image:
            label = np.asarray(image)
        assert np.array_equal(train.label(i) == VOID, label == 11)
        assert np.array_equal(train.label(i)[label < 11], label[label < 11])


def test_whole_shots_one_frame_a_second(camvid: Path, tmp_path: Path) -> None:
    """The frames of the authors' val, 0016E5_00039 to 61, follow one that they train on."""
    index = prepare(CONFIG, tmp_path / "store")
    assert index.splits["train"].names == ("0001TP_000030", "0001TP_000060", "0006R0_f00930", "0006R0_f00960")
    assert index.splits["train"].groups == ("0001TP", "0001TP", "0006R0", "0006R0")
    assert index.splits["val"].names == ("0016E5_00030", "0016E5_00059")
    assert index.splits["val"].groups == ("0016E5", "0016E5")


def test_the_whole_release(camvid: Path) -> None:
    """With the authors' test: the rest of a shot that they train on, and one of its own."""
    write_list(camvid, "test", "0001TP_008550", "Seq05VD_f00000", "Seq05VD_f00030")
    assert names_of(open_dataset(CONFIG).samples()) == {
        "train": ["0001TP_000030", "0001TP_000060", "0001TP_008550", "0006R0_f00930", "0006R0_f00960"],
        "val": ["0016E5_00030", "0016E5_00059"],
        "test": ["Seq05VD_f00000", "Seq05VD_f00030"],
    }
    assert names_of(open_dataset(AUTHORS).samples()) == {
        **CAMVID,
        "test": ["0001TP_008550", "Seq05VD_f00000", "Seq05VD_f00030"],
    }


def test_frames_stand_in_the_order_of_their_shot(camvid: Path) -> None:
    """Whatever the order of a list, and by number, not by text."""
    write_list(camvid, "val", "0016E5_9000", "0016E5_00061", "0016E5_12000")
    val = open_dataset(AUTHORS).samples()["val"]
    assert [sample.name for sample in val] == ["0016E5_00061", "0016E5_9000", "0016E5_12000"]
    assert [sample.group for sample in val] == ["0016E5"] * 3


@pytest.mark.parametrize(
    ("shot", "message"),
    [
        ("0001TP", "lists no frames of 0016E5, which is val; add"),
        ("0016E5", "lists no frames of other shots"),
    ],
)
def test_a_split_without_frames(camvid: Path, tmp_path: Path, shot: str, message: str) -> None:
    write_list(camvid, "train", f"{shot}_f00930")
    write_list(camvid, "val", f"{shot}_f00960")
    assert message in problem(CONFIG, tmp_path / "store")


@pytest.mark.parametrize("folder", ["/SegNet/CamVid", "/my data/Cam Vid"])
def test_lists_with_paths(camvid: Path, folder: str) -> None:
    lines = [f"{folder}/val/{name}.png {folder}/valannot/{name}.png" for name in CAMVID["val"]]
    write_lines(camvid / "val.txt", *lines)
    assert names_of(open_dataset(AUTHORS).samples()) == CAMVID


@pytest.mark.parametrize("line", ["a.b", "a.b.png", "/CamVid/train/a.b.png /CamVid/trainannot/a.b.png"])
def test_a_name_with_a_dot(line: str, camvid: Path) -> None:
    for folder in ("train", "trainannot"):
        (camvid / folder / "0001TP_000030.png").rename(camvid / folder / "a.b.png")
    write_lines(camvid / "train.txt", line)
    (sample,) = open_dataset(AUTHORS).samples()["train"]
    assert sample.name == "a.b" and sample.files[0] == camvid / "train" / "a.b.png"


@pytest.mark.parametrize("config", [CONFIG, AUTHORS])
def test_one_frame_in_two_splits(config: DataConfig, camvid: Path, tmp_path: Path) -> None:
    write_list(camvid, "val", "0001TP_000030", "0001TP_000060", "0006R0_f00930")
    assert problem(config, tmp_path / "store") == (
        "data set 'camvid': in two splits; keep it in one: "
        "0001TP_000030 (train, val), 0001TP_000060 (train, val), 0006R0_f00930 (train, val)"
    )


def test_a_label_that_is_no_png_is_named(camvid: Path, tmp_path: Path) -> None:
    label = camvid / "trainannot" / "0001TP_000030.png"
    with Image.open(label) as image:
        image.save(label.with_suffix(".gif"))
    label.unlink()
    assert f"{label.with_suffix('.gif')} (not a PNG)" in problem(CONFIG, tmp_path / "store")


@pytest.mark.parametrize("split", REAL)
def test_real_shots(real_camvid: Path, split: str) -> None:
    samples = open_dataset(DataConfig(name="camvid", options={"split": split})).samples()
    assert {part: Counter(sample.group for sample in members) for part, members in samples.items()} == REAL[
        split
    ]
    if split == "sequences":
        spacing = np.diff([int(sample.name[-4:]) for sample in samples["val"]])
        assert spacing.min() == 29 and np.median(spacing) == 30


@pytest.fixture(scope="module")
def store(real_camvid: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("camvid")
    prepare(CONFIG.model_copy(update={"size": (120, 160)}), directory)
    return directory


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
