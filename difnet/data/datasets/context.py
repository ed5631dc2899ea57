"""Data set `context`: PASCAL Context, the labels of all that is to be seen in the images of VOC 2010.

`PASCAL-Context/trainval/NAME.mat` holds the numbers (`LabelMap`) that `PASCAL-Context/labels.txt` explains,
`PASCAL-Context/59_labels.txt` names the 59 classes of the benchmark, and `VOCdevkit/VOC2010` has
`JPEGImages/NAME.jpg` and the splits, `ImageSets/Main/{train,val}.txt`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Literal

from difnet.config import InputError
from difnet.data.dataset import VOID, Archive, Colour, Dataset, Sample
from difnet.data.files.colours import voc_colour
from difnet.data.files.samples import Table, pair_files, with_table
from difnet.data.files.tree import list_folder, locate, read_lines

COUNT = 59
RENAMED = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}
"""Names in 59_labels.txt that labels.txt spells differently."""

VOC = Archive(
    "https://thor.robots.ox.ac.uk/pascal/VOC/voc2010/VOCtrainval_03-May-2010.tar",
    checksum="md5:da459979d0c395079b5c75ee67908abb",
    folder="VOCdevkit/VOC2010",
)


class Context(Dataset):
    """Photographs of which every pixel is labelled, objects and their surroundings."""

    title: ClassVar[str] = "PASCAL Context"
    citation: ClassVar[str] = (
        "Mottaghi, Chen, Liu, Cho, Lee, Fidler, Urtasun and Yuille: The Role of Context for Object Detection "
        "and Semantic Segmentation in the Wild, CVPR 2014; photographs of VOC 2010 from Flickr under its "
        "terms of use, for research"
    )
    obtain: ClassVar[str] = (
        "put trainval/ (of trainval.tar.gz), labels.txt and 59_labels.txt from "
        "https://cs.stanford.edu/~roozbeh/pascal-context/ into the folder PASCAL-Context there, and run "
        "'difnet prepare context --download' for VOCdevkit/VOC2010"
    )

    count: Literal[59, 60] = 59
    """Number of classes: 59 with all else void, or 60 with all else as background, class 0."""

    def archives(self) -> tuple[Archive, ...]:
        """The images; the labels have no published checksum."""
        return (VOC,)

    def classes(self) -> dict[str, Colour]:
        """Background where it is a class, then those of 59_labels.txt in its order."""
        names = ["background", *_class_names(self._folder())]
        colours = {name: voc_colour(index) for index, name in enumerate(names)}
        return {name: colours[name] for name in names[-self.count :]}

    def samples(self) -> dict[str, list[Sample]]:
        """The images of train and val of VOC 2010."""
        folder = self._folder()
        voc = locate("VOCdevkit/VOC2010", self.obtain)
        images = list_folder(voc / "JPEGImages", (".jpg",))
        labels = list_folder(folder / "trainval", (".mat",))
        table = _table(folder, background=self.count > COUNT)
        return {
            split: with_table(
                pair_files(
                    f"{folder} ({split})",
                    names=read_lines(voc / "ImageSets" / "Main" / f"{split}.txt"),
                    images=images,
                    labels=labels,
                    classes=self.count,
                    void=VOID,
                ),
                table,
                field="LabelMap",
            )
            for split in ("train", "val")
        }

    def _folder(self) -> Path:
        return locate("PASCAL-Context", self.obtain)


def _table(folder: Path, *, background: bool) -> Table:
    """The class of every number of labels.txt, and of 0 (not labelled), by the names of the classes."""
    path = folder / "labels.txt"
    numbers = _numbers(path)
    table = [0 if background else VOID] * (1 + max(numbers.values()))
    for index, name in enumerate(_class_names(folder)):
        known_as = name if name in numbers else RENAMED.get(name, name)
        if known_as not in numbers:
            raise InputError(f"{path}: lacks the class '{name}' of 59_labels.txt; download both files again")
        table[numbers[known_as]] = index + background
    return tuple(table)


def _class_names(folder: Path) -> list[str]:
    """The names in 59_labels.txt, in the order of their numbers."""
    path = folder / "59_labels.txt"
    numbers = _numbers(path)
    if sorted(numbers.values()) != list(range(1, COUNT + 1)):
        raise InputError(f"{path}: does not number {COUNT} classes from 1; download the file again")
    return sorted(numbers, key=lambda name: numbers[name])


def _numbers(path: Path) -> dict[str, int]:
    """Number of every name in a file of lines `NUMBER: NAME`, spaces in names left out.

    Raises:
        InputError: If a line is not of this form, or there are none.
    """
    numbers: dict[str, int] = {}
    for place, line in enumerate(read_lines(path), start=1):
        number, _, name = line.partition(":")
        if not re.fullmatch("[0-9]{1,3}", number.strip()) or not name.strip():
            raise InputError(f"{path}:{place}: '{line}' is not NUMBER: NAME; download the file again")
        numbers[name.replace(" ", "")] = int(number)
    if not numbers:
        raise InputError(f"{path}: is empty; download the file again")
    return numbers
