"""Data set `folder`: a user's own images.

`images/NAME.png` (or .jpg, .bmp, ...), `labels/NAME.png` with the index of the class of every pixel (255 for
void) and `classes.txt` with one name a line. Where its lines are `NAME R G B`, labels are decoded by these
colours (a line `void R G B` may name the colour of void). Optional `train.txt`, `val.txt` and `test.txt` list
the names of each split; without `train.txt` every image that no other list names is for training. Optional
`groups.txt` tells in lines `NAME GROUP` which images belong to one scene or video, in the order of the lists.
"""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import ClassVar

from pydantic import field_validator

from difnet.config import InputError
from difnet.data.dataset import VOID, Colour, Dataset, Sample
from difnet.data.files.colours import ColourCode, parse_classes
from difnet.data.files.groups import check_groups_apart, read_groups
from difnet.data.files.palettes import Palettes
from difnet.data.files.problems import FileError, Problems
from difnet.data.files.samples import pair_files
from difnet.data.files.tree import IMAGE_SUFFIXES, MissingDataError, is_folder, list_folder, read_lines

GOLDEN_RATIO = 0.618
SPLITS = ("train", "val", "test")


class Folder(Dataset):
    """Images and labels in one folder."""

    title: ClassVar[str] = "Own images"
    citation: ClassVar[str] = "Images of the user; their terms apply"

    root: Path
    """The folder that holds `images/`, `labels/` and `classes.txt`."""

    @field_validator("root", mode="before")
    @classmethod
    def _is_given(cls, root: object) -> object:
        if root == "":  # which as a path would be the current folder
            raise ValueError("is empty; set it to the folder that holds images/")
        return root

    def classes(self) -> dict[str, Colour]:
        """The names in `classes.txt`, with its colours or each with one of its own."""
        names, colours = self._classes()
        if colours is None:
            return {name: _colour(index) for index, name in enumerate(names)}
        return {names[value]: colour for colour, value in colours.values.items() if value != VOID}

    def samples(self) -> dict[str, list[Sample]]:
        """The pairs of every split that has a list, and of train."""
        root = self._folder()
        _check_subfolders(root / "images", root / "labels")
        images = list_folder(root / "images", IMAGE_SUFFIXES)
        labels = list_folder(root / "labels", IMAGE_SUFFIXES)  # one that is no PNG is then found, and refused
        classes, colours = self._classes()
        palettes = Palettes()
        names = _split_names(root, sorted(images.keys() | labels.keys()))
        groups = _groups(root / "groups.txt", {*images, *labels}, names)
        return {
            split: pair_files(
                f"{root} ({split})",
                names=names[split],
                images=images,
                labels=labels,
                classes=len(classes),
                void=VOID,
                colours=colours,
                as_stored=False,
                group_of=lambda name: groups.get(name, ""),
                palettes=palettes,
            )
            for split in names
        }

    def _classes(self) -> tuple[list[str], ColourCode | None]:
        path = self._folder() / "classes.txt"
        return parse_classes(path, read_lines(path))

    def _folder(self) -> Path:
        try:
            folder = self.root.expanduser()
        except RuntimeError:  # ~ of an unknown user
            folder = self.root
        if not is_folder(folder):
            raise MissingDataError(
                f"{folder}: no such folder; set data.options.root to the one that holds images/"
            )
        return folder


def _check_subfolders(*folders: Path) -> None:
    """Check that no images are in subfolders, where nobody looks for them.

    Raises:
        InputError: If there are.
    """
    problems = Problems()
    kind = "image in a subfolder, where it is not read; move it up, or out of the folder"
    for folder in folders:
        for path in sorted(folder.glob("[!.]*/**/*")):
            if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith("."):
                problems.add(FileError(kind, str(path.relative_to(folder.parent))))
    problems.raise_if_any(str(folders[0].parent))


def _split_names(root: Path, names: list[str]) -> dict[str, list[str]]:
    """The names of every split; train first.

    Raises:
        InputError: If a list is not valid, or its name only resembles that of a split that has none.
    """
    lists = [split for split in SPLITS if _is_there(root / f"{split}.txt")]
    for path in sorted(root.glob("*.[tT][xX][tT]")):
        meant = [split for split in SPLITS if path.stem.lower().startswith(split)]
        if meant and meant[0] not in lists:
            raise InputError(f"{path}: is the list of no split; rename it to {meant[0]}.txt, or remove it")
    splits = {split: read_lines(root / f"{split}.txt") for split in lists}
    listed = {name for members in splits.values() for name in members}
    rest = [name for name in names if name not in listed]
    return splits if "train" in splits else {"train": rest, **splits}


def _groups(path: Path, found: set[str], names: dict[str, list[str]]) -> dict[str, str]:
    """The group of every image; none where there is no such file."""
    if not _is_there(path):
        return {}
    groups = read_groups(path, found.union(*names.values()))
    check_groups_apart(path, groups, names)
    return groups


def _is_there(path: Path) -> bool:
    """Also for a link that leads nowhere: without its list a split would silently go to train."""
    return path.exists() or path.is_symlink()


def _colour(index: int) -> Colour:
    """Black for the first class, then hues that stay apart however many classes there are."""
    if index == 0:
        return 0, 0, 0
    red, green, blue = colorsys.hsv_to_rgb(index * GOLDEN_RATIO % 1, 0.85, 0.6 + 0.4 * (index % 2))
    return round(255 * red), round(255 * green), round(255 * blue)
