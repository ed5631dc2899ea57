"""Which images of a user belong together, as told by a file with lines `NAME GROUP`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from difnet.data.files.problems import FileError, Problems
from difnet.data.files.tree import read_lines


def read_groups(path: Path, names: Iterable[str]) -> dict[str, str]:
    """The group of every image; the name of a group has no spaces, that of an image may.

    Args:
        path: The file.
        names: Of all images that are there or listed.

    Raises:
        InputError: If a line is not `NAME GROUP`, names no image or one that has its group already, or an
            image has none.
    """
    groups: dict[str, str] = {}
    problems = Problems()
    known = set(names)
    for line in read_lines(path):
        name, _, group = line.replace("\t", " ").rpartition(" ")
        name = name.strip()
        if not name:
            problems.add(FileError("line with one word; write 'NAME GROUP'", line))
        elif name not in known:
            problems.add(
                FileError("no image of this name (names have no suffix); correct or remove it", name)
            )
        elif name in groups:
            problems.add(FileError("image in two lines; keep one", name))
        groups[name] = group
    for name in sorted(known - groups.keys()):
        kind = "image without a group; add a line, with a group of its own if it depends on no other image"
        problems.add(FileError(kind, name))
    problems.raise_if_any(str(path))
    return groups


def check_groups_apart(path: Path, groups: Mapping[str, str], splits: Mapping[str, Iterable[str]]) -> None:
    """Check that no group is in two splits: what is trained on would be scored.

    Args:
        path: The file, for the message.
        groups: Group of every image.
        splits: Names of the images of every split.

    Raises:
        InputError: If there are such groups.
    """
    problems = Problems()
    split_of: dict[str, str] = {}
    for split, names in splits.items():
        for group in dict.fromkeys(groups[name] for name in names):
            first = split_of.setdefault(group, split)
            if first != split:
                kind = "group in two splits; keep all its images in one"
                problems.add(FileError(kind, f"{group} ({first}, {split})"))
    problems.raise_if_any(str(path))
