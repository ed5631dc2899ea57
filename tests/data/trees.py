"""Data sets in miniature, in the layout of their releases, and what the tests of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy.io import savemat
from scipy.sparse import csc_matrix

from difnet.config import DataConfig, InputError
from difnet.data import Split, load_prepared, prepare

SIZE = (6, 9)
Label = npt.NDArray[np.integer]


def random_label(name: str, values: Iterable[int], *, size: tuple[int, int] = SIZE) -> Label:
    """Random values drawn by a name, with every one of them in the first pixels."""
    values = np.array(list(values))
    label = np.random.default_rng(list(name.encode())).choice(values, size)
    label.flat[: len(values)] = values
    return label


def write_photo(path: Path, *, size: tuple[int, int] = SIZE, seed: int = 0) -> None:
    """Write an image of random pixels, height and width as in `size`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *path.name.encode()])
    Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)


def write_label(path: Path, label: Label) -> None:
    """Write a PNG with one channel of 8 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(label.astype(np.uint8)).save(path)


def write_lines(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def labels_of(split: Split) -> dict[str, Label]:
    """The prepared labels by name, in their order."""
    return {name: split.label(i) for i, name in enumerate(split.names)}


def prepared(config: DataConfig, store: Path) -> dict[str, dict[str, Label]]:
    """The prepared labels of every split."""
    index = prepare(config, store)
    return {split: labels_of(load_prepared(store).split(split)) for split in index.splits}


def problem(config: DataConfig, store: Path) -> str:
    """The error of preparing, which is one line and leaves nothing behind."""
    with pytest.raises(InputError) as error:
        prepare(config, store)
    assert "\n" not in str(error.value)
    assert not list(store.rglob("*.bin")) and not list(store.rglob("*.json"))
    return str(error.value)


ADE20K = {"training": ["ADE_train_00000001", "ADE_train_00000002"], "validation": ["ADE_val_00000001"]}


def ade20k_table(*first: str) -> list[str]:
    """Lines of objectInfo150.txt, as published: some numbers and names end with a space."""
    names = [*first, *(f"thing {number} , object" for number in range(len(first), 150))]
    numbered = (f"{number} \t0.1\t10\t1\t{name}" for number, name in enumerate(names, start=1))
    return ["Idx\tRatio\tTrain\tVal\tName", *numbered]


def ade20k_label(name: str) -> Label:
    return random_label(name, range(151), size=(8, 19))


def ade20k(root: Path) -> dict[str, object]:
    folder = root / "ADEChallengeData2016"
    for split, names in ADE20K.items():
        for name in names:
            write_photo(folder / "images" / split / f"{name}.jpg", size=(8, 19))
            write_label(folder / "annotations" / split / f"{name}.png", ade20k_label(name))
    write_lines(
        folder / "objectInfo150.txt",
        *ade20k_table("wall", "building, edifice", "sky", "floor, flooring", "tree"),
    )
    write_lines(folder / "sceneCategories.txt", "ADE_train_00000001 airport_terminal")
    return {}


CAMVID = {
    "train": ["0001TP_000030", "0001TP_000060", "0006R0_f00930", "0006R0_f00960", "0016E5_00030"],
    "val": ["0016E5_00039", "0016E5_00041", "0016E5_00059", "0016E5_00061"],
}
"""The lists of the authors: val is every second frame of a shot that they train on."""


def camvid(root: Path) -> dict[str, object]:
    for split, names in CAMVID.items():
        folder = root / "CamVid"
        write_lines(folder / f"{split}.txt", *names)
        for number, name in enumerate(names):
            write_photo(folder / split / (f"{name}.jpg" if number % 2 else f"{name}.png"), size=(36, 48))
            write_label(
                folder / f"{split}annot" / f"{name}.png", random_label(name, range(12), size=(36, 48))
            )
    return {}


CITYSCAPES = {
    "train": ["aachen_000000_000019", "aachen_000001_000019", "zurich_000121_000019"],
    "val": ["frankfurt_000000_000294"],
    "test": ["berlin_000000_000019"],
}


def cityscapes_label(name: str) -> Label:
    return random_label(name, range(34))


def cityscapes(root: Path) -> dict[str, object]:
    for split, names in CITYSCAPES.items():
        for name in names:
            city = name.partition("_")[0]
            write_photo(root / "cityscapes/leftImg8bit" / split / city / f"{name}_leftImg8bit.png")
            folder = root / "cityscapes/gtFine" / split / city
            write_label(folder / f"{name}_gtFine_labelIds.png", cityscapes_label(name))
            for other in ("instanceIds", "color"):
                write_label(folder / f"{name}_gtFine_{other}.png", np.full(SIZE, 77))
            (folder / f"{name}_gtFine_polygons.json").write_text("{}")
    return {}


CONTEXT = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor bag bed bench book building cabinet ceiling clothes computer cup "
    "door fence floor flower food grass ground keyboard light mountain mouse curtain platform sign plate "
    "road rock shelves sidewalk sky snow bedcloth track tree truck wall water window wood"
)
"""The order and spelling of 59_labels.txt."""
CONTEXT_NUMBERS = {"aeroplane": 2, "bedclothes": 19, "cloth": 80, "table": 397, "unknown": 431, "wood": 458}
"""Some numbers of labels.txt, which spells three of the 59 classes in its own way."""
CONTEXT_LABEL = np.array([[2, 19, 80], [397, 431, 458], [0, 4, 459]], dtype=np.uint16)
"""The numbers above, 0 (not labelled), one of no class, and the last."""


def context_names() -> dict[int, str]:
    """All 459 numbers: those above, the other classes in reverse order, names of no class between them."""
    spelling = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}
    names = {number: name for name, number in CONTEXT_NUMBERS.items()}
    others = [name for name in reversed(CONTEXT.split()) if spelling.get(name, name) not in CONTEXT_NUMBERS]
    free = (number for number in range(3, 460, 5) if number not in names)
    names |= dict(zip(free, others, strict=False))
    return {number: names.get(number, f"thing {number}") for number in range(1, 460)}


def context(root: Path) -> dict[str, object]:
    voc, folder = root / "VOCdevkit" / "VOC2010", root / "PASCAL-Context"
    (folder / "trainval").mkdir(parents=True)
    for split, names in (("train", ["2008_000002", "2008_000003"]), ("val", ["2010_000044"])):
        write_lines(voc / "ImageSets" / "Main" / f"{split}.txt", *names)
        for number, name in enumerate(names):
            write_photo(voc / "JPEGImages" / f"{name}.jpg", size=(3, 3))
            savemat(folder / "trainval" / f"{name}.mat", {"LabelMap": np.roll(CONTEXT_LABEL, number)})
    write_photo(voc / "JPEGImages" / "2010_009999.jpg")  # of the test set, which has no labels
    write_lines(folder / "labels.txt", *(f"{number}: {name}" for number, name in context_names().items()))
    write_lines(
        folder / "59_labels.txt", *(f"{number}: {name}" for number, name in enumerate(CONTEXT.split(), 1))
    )
    return {}


CLASSES = ("background", "leaf", "stem")
"""Of the tree `folder`."""


def write_pair(root: Path, name: str, *, size: tuple[int, int] = (24, 32), seed: int = 0) -> None:
    """Write `images/NAME.png` and `labels/NAME.png` of random pixels, height and width as in `size`."""
    write_photo(root / "images" / f"{name}.png", size=size, seed=seed)
    write_label(root / "labels" / f"{name}.png", random_label(f"{name}{seed}", (0, 1, 2, 255), size=size))


def folder(root: Path) -> dict[str, object]:
    """Eight images for training and two for validation."""
    write_lines(root / "classes.txt", *CLASSES)
    for number in range(10):
        write_pair(root, f"plant{number}")
    write_lines(root / "val.txt", "plant3", "plant7")
    return {"root": str(root)}


def shapes(_: Path) -> dict[str, object]:
    return {"train": 6, "val": 3, "test": 2, "size": 32}


VOC = {"train": ["2007_000032", "2007_000039"], "val": ["2007_000033", "2007_000042"]}
SBD = ["2007_000032", "2007_000033", "2008_000008", "2008_000015", "2009_000001"]
"""One of VOC's train, one of its val, and three that VOC does not label."""


def voc_label(name: str) -> Label:
    return random_label(name, (0, 1, 15, 20, 255))


def sbd_label(name: str) -> Label:
    return random_label(f"{name} of SBD", (0, 2, 7, 20))


def write_palette_label(path: Path, label: Label) -> None:
    """A palette image, as VOC's are: the border of an object (255) is of a light colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(label.astype(np.uint8))
    image.putpalette([channel for index in range(256) for channel in (index * 7 % 256, 255 - index, 192)])
    image.save(path)


def write_mat(path: Path, label: Label, *, field: str = "Segmentation") -> None:
    """A struct `GTcls` with the fields of SBD."""
    path.parent.mkdir(parents=True, exist_ok=True)
    boundaries = np.empty((20, 1), dtype=object)
    boundaries[:, 0] = [csc_matrix(label == index + 1) for index in range(20)]
    present = np.unique(label[label > 0])[:, None].astype(np.uint8)
    content = {"Boundaries": boundaries, field: label.astype(np.uint8), "CategoriesPresent": present}
    savemat(path, {"GTcls": content}, do_compression=True)


def voc2012(root: Path) -> dict[str, object]:
    voc, sbd = root / "VOCdevkit" / "VOC2012", root / "benchmark_RELEASE" / "dataset"
    lists = voc / "ImageSets" / "Segmentation"
    for split, names in VOC.items():
        write_lines(lists / f"{split}.txt", *names)
        for name in names:
            write_palette_label(voc / "SegmentationClass" / f"{name}.png", voc_label(name))
    names = [name for split in VOC.values() for name in split]
    write_lines(lists / "trainval.txt", *sorted(names))
    for name in {*names, *SBD}:
        write_photo(voc / "JPEGImages" / f"{name}.jpg")
    write_lines(sbd / "train.txt", "2007_000033", "2008_000008", "2007_000032")
    write_lines(sbd / "val.txt", "2009_000001", "2008_000015")
    for name in SBD:
        write_photo(sbd / "img" / f"{name}.jpg")
        write_mat(sbd / "cls" / f"{name}.mat", sbd_label(name))
    return {}


TREES: dict[str, Callable[[Path], dict[str, object]]] = {
    "ade20k": ade20k,
    "camvid": camvid,
    "cityscapes": cityscapes,
    "context": context,
    "folder": folder,
    "shapes": shapes,
    "voc2012": voc2012,
}
"""Writes the files of a data set below the folder that `DIFNET_DATA` names, and gives its options."""
