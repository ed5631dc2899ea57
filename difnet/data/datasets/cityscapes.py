"""Data set `cityscapes`: Cityscapes with its fine labels.

`cityscapes/leftImg8bit/SPLIT/CITY/NAME_leftImg8bit.png` are the frames and
`cityscapes/gtFine/SPLIT/CITY/NAME_gtFine_labelIds.png` the labels, laid out as in the two archives. The
splits are train and val; the labels of test are not published (its files hold dummies).
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from torchvision.datasets import Cityscapes as Published

from difnet.data.dataset import VOID, Colour, Dataset, Sample
from difnet.data.files.problems import FileError, Problems
from difnet.data.files.samples import pair_files, with_table
from difnet.data.files.tree import entries, list_folder, locate

EVALUATED = [entry for entry in Published.classes if not entry.ignore_in_eval]
"""The 19 classes, in the order of their train ids."""
TABLE = tuple(entry.train_id for entry in Published.classes if entry.id >= 0)
"""Train id of every label id; 255 for what is not evaluated."""


class Cityscapes(Dataset):
    """Street scenes of 50 cities, 2048 x 1024, 19 classes."""

    title: ClassVar[str] = "Cityscapes"
    citation: ClassVar[str] = (
        "Cordts, Omran, Ramos, Rehfeld, Enzweiler, Benenson, Franke, Roth and Schiele: The Cityscapes "
        "Dataset for Semantic Urban Scene Understanding, CVPR 2016; non-commercial use, licence on its site"
    )
    obtain: ClassVar[str] = (
        "register at https://www.cityscapes-dataset.com and extract leftImg8bit_trainvaltest.zip and "
        "gtFine_trainvaltest.zip into the folder cityscapes there"
    )

    def classes(self) -> dict[str, Colour]:
        """The 19 classes in the official colours."""
        return {entry.name: entry.color for entry in EVALUATED}

    def samples(self) -> dict[str, list[Sample]]:
        """The frames of train and val, of all cities."""
        return {split: self._split(split) for split in ("train", "val")}

    def _split(self, split: str) -> list[Sample]:
        frames = locate(f"cityscapes/leftImg8bit/{split}", self.obtain)
        labels = locate(f"cityscapes/gtFine/{split}", self.obtain)
        by_name = _of_all_cities(frames, "_leftImg8bit"), _of_all_cities(labels, "_gtFine_labelIds")
        names = sorted(by_name[0].keys() | by_name[1].keys())
        pairs = pair_files(
            str(frames),
            names=names,
            images=by_name[0],
            labels=by_name[1],
            classes=len(TABLE),
            void=VOID,
            group_of=_sequence,
        )
        return with_table(pairs, TABLE)


def _sequence(name: str) -> str:
    """City and number of the sequence in a name CITY_SEQUENCE_FRAME."""
    return name.rpartition("_")[0]


def _of_all_cities(folder: Path, ending: str) -> dict[str, Path]:
    """The PNG files of all cities whose names have an ending, by what precedes it.

    Raises:
        InputError: If a folder or file cannot be read, or two files have one name.
    """
    files: dict[str, Path] = {}
    problems = Problems()
    for city in entries(folder, folders=True):
        for name, path in list_folder(city, (".png",)).items():
            if not name.endswith(ending):
                continue
            first = files.setdefault(name.removesuffix(ending), path)
            if first != path:
                problems.add(FileError("two files for one name; remove one", f"{first} and {path}"))
    problems.raise_if_any(str(folder))
    return files
