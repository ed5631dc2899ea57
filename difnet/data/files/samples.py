"""Samples made of files: images and labels paired by name, and how the values of a label become classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from difnet.config import InputError
from difnet.data.dataset import VOID, Pair, Pixels, Sample
from difnet.data.files.colours import ColourCode
from difnet.data.files.decoding import read_image, read_label, read_pair
from difnet.data.files.matlab import read_matlab
from difnet.data.files.palettes import Palettes
from difnet.data.files.problems import FileError, Problems
from difnet.data.files.tree import IMAGE_SUFFIXES

Table = tuple[int, ...]
"""The class of the values 0, 1, ... of a label file; 255 for void."""


@dataclass(frozen=True)
class FileSample:
    """An image file with its label file."""

    name: str
    image: Path
    label: Path
    classes: int
    void: int
    """Value of void pixels in the label file."""
    colours: ColourCode | None = None
    """What the colours of a label in colours stand for."""
    as_stored: bool = True
    """Whether an image that EXIF turns to the same size is read as it is stored, or refused."""
    table: Table | None = None
    """Class of every value of a label that holds other numbers; `classes` and `void` then say nothing."""
    field: str = ""
    """Where the label is in a MATLAB file, e.g. `GTcls.Segmentation`; empty for an image."""
    group: str = ""
    """The shot or scene that it shares with other samples."""
    palettes: Palettes | None = None
    """Those of the labels of its data set, where they could differ."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Image and label."""
        return self.image, self.label

    def read(self) -> Pair:
        """Decode both files.

        Raises:
            FileError: If one is damaged, their sizes differ, or the label is not legal; if neither can be
                read, with both problems.
        """
        try:
            label = self._read_label()
        except FileError as problem:
            try:
                read_image(self.image)
            except FileError as other:
                problem.other = other
            raise
        return read_pair(self.image, label, as_stored=self.as_stored)

    def _read_label(self) -> Pixels:
        if self.table is None:
            return read_label(
                self.label,
                classes=self.classes,
                void=self.void,
                colours=self.colours,
                palettes=self.palettes,
            )
        if self.field:
            return look_up(read_matlab(self.label, self.field), self.table, self.label)
        return look_up(read_label(self.label, classes=VOID, void=VOID), self.table, self.label)


@dataclass(frozen=True)
class MissingSample:
    """A name without the files of a sample."""

    name: str
    problem: str
    files: tuple[Path, ...] = ()
    group: str = ""

    def read(self) -> Pair:
        """Tell what is missing.

        Raises:
            FileError: Always.
        """
        raise FileError(self.problem, self.name)


def pair_files(
    source: str,
    *,
    names: Iterable[str],
    images: dict[str, Path],
    labels: dict[str, Path],
    classes: int,
    void: int,
    colours: ColourCode | None = None,
    as_stored: bool = True,
    group_of: Callable[[str], str] = lambda name: "",
    palettes: Palettes | None = None,
) -> list[Sample]:
    """The samples of the given names; `group_of` tells the group of each, the rest is as in `FileSample`.

    Of a name that is there twice, or lacks image or label, the sample says so when it is read: one message
    then names it, after `source`, together with the files that cannot be read.

    Raises:
        InputError: If there are no names.
    """
    samples: list[Sample] = []
    seen: set[str] = set()
    for name in names:
        if name in seen:
            problem = "listed twice; keep it once"
        elif name in images and name in labels:
            problem = ""
            sample = FileSample(
                name,
                images[name],
                labels[name],
                classes,
                void,
                colours,
                as_stored,
                group=group_of(name),
                palettes=palettes,
            )
            samples.append(sample)
        elif name in images:
            problem = "image without label; add the label or remove the image"
        elif name in labels:
            problem = "label without image; add the image or remove the label"
        else:
            problem = "listed but not there; add image and label or remove the name (names have no suffix)"
        if problem:
            samples.append(MissingSample(name, f"{source}: {problem}", group=group_of(name)))
        seen.add(name)
    if not samples:
        suffixes = ", ".join(IMAGE_SUFFIXES)
        raise InputError(f"{source}: holds no images; add some as {suffixes}, or their names to its list")
    return samples


def with_table(samples: list[Sample], table: Table, *, field: str = "") -> list[Sample]:
    """The same images and labels, the labels read through a table; what lacks either stays as it is.

    Args:
        samples: As `pair_files` makes them.
        table: Class of every value.
        field: Where the label is in MATLAB files; empty for images.
    """
    return [
        replace(sample, table=table, field=field) if isinstance(sample, FileSample) else sample
        for sample in samples
    ]


def look_up(values: npt.NDArray[np.integer], table: Table, path: Path) -> Pixels:
    """The class of every pixel.

    Args:
        values: (H, W), as they are in the file.
        table: Class of every value.
        path: The file, for the message.

    Raises:
        FileError: If a value is beyond the table.
    """
    beyond = values[(values < 0) | (values >= len(table))]
    if beyond.size:
        raise FileError(
            f"label value outside 0..{len(table) - 1}; replace the file", f"{path} (value {beyond[0]})"
        )
    label: Pixels = np.array(table, dtype=np.uint8)[values]
    return label


def check_apart(source: str, samples: dict[str, list[Sample]]) -> None:
    """Check that no name is in two splits: what is trained on would be scored.

    Raises:
        InputError: If there are such names; the message starts with `source`.
    """
    problems = Problems()
    split_of: dict[str, str] = {}
    for split, group in samples.items():
        for sample in group:
            first = split_of.setdefault(sample.name, split)
            if first != split:
                problems.add(FileError("in two splits; keep it in one", f"{sample.name} ({first}, {split})"))
    problems.raise_if_any(source)
