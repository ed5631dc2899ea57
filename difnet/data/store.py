"""The prepared form of a data set on disk: decoded pixels, and an index of them.

DIRECTORY/index.json                       names, shapes, groups, classes, hash, checksums of the pixels
DIRECTORY/.index.json.sha256               the digest that binds the index
DIRECTORY/sources.json                     what it was made of, see `difnet.data.prepare.sources`
DIRECTORY/prepared-HASH/SPLIT.images.bin   uint8, the (H, W, 3) images of a split one after another
DIRECTORY/prepared-HASH/SPLIT.labels.bin   uint8, the (H, W) labels likewise
"""

from __future__ import annotations

import errno
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError, model_validator

from difnet.config import InputError, nearest
from difnet.data.dataset import Colour, Pixels
from difnet.tables.table import seal, unsealed

INDEX = "index.json"
LOCK = ".lock"
"""Held by the process that writes the store; it stays."""
PARTIAL = ".partial"
"""Folder of the store that is being written."""
PIXEL_FOLDER = "prepared-[0-9a-f]{16}"
"""Names of the folders of pixels, as a regular expression."""
CHANNELS = {"images": 3, "labels": 1}
ALL = slice(None)
CHUNK = 2**22


class SplitIndex(BaseModel):
    """What a split holds, in its order."""

    model_config = ConfigDict(frozen=True)

    names: tuple[str, ...]
    shapes: tuple[tuple[PositiveInt, PositiveInt], ...]
    """Height and width of every image in pixels."""
    groups: tuple[str, ...]
    """The shot or scene of every image; empty where it depends on no other."""

    @model_validator(mode="after")
    def _of_equal_length(self) -> SplitIndex:
        if not len(self.names) == len(self.shapes) == len(self.groups):
            raise ValueError("names, shapes and groups are of different numbers of images")
        return self


class DataIndex(BaseModel):
    """What a prepared data set holds."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    synthetic: bool
    citation: str
    classes: tuple[str, ...]
    palette: tuple[Colour, ...]
    """Display colour of every class."""
    sha256: str
    """Content hash of names, pixels, classes and size: equal on every machine for equal content."""
    checksums: dict[str, int]
    """CRC-32 of every file of pixels by its name, compared once by each job that reads it.

    It finds every flipped bit, every damage of up to 32 bits in a row and all but one of 4e9 others, and
    takes less time than a cryptographic hash, which every job would pay for; `sha256` tells content apart.
    """
    splits: dict[str, SplitIndex]


class FlatPixels(Protocol):
    """Pixels one after another: an array, or a file of them."""

    def __getitem__(self, part: slice, /) -> Pixels: ...


class Split:
    """One split of a prepared data set; its pixels are read from disk when asked for."""

    def __init__(self, index: SplitIndex, *, images: FlatPixels, labels: FlatPixels) -> None:
        """Wrap the pixels of a split.

        Args:
            index: Names, shapes and groups.
            images: All images, flat.
            labels: All labels, flat.
        """
        self.names = index.names
        self.shapes = index.shapes
        self.groups = index.groups
        self._images = images
        self._labels = labels
        self._starts = np.concatenate([[0], np.cumsum([h * w for h, w in index.shapes], dtype=np.int64)])

    def __len__(self) -> int:
        """Number of images."""
        return len(self.names)

    def image(self, i: int, rows: slice = ALL) -> Pixels:
        """Image i in RGB, or some of its rows, (rows, W, 3); not writeable."""
        return self._read(self._images, i, rows, channels=3).reshape(-1, self.shapes[i][1], 3)

    def label(self, i: int, rows: slice = ALL) -> Pixels:
        """Label i, or some of its rows, (rows, W), 255 for void; not writeable."""
        return self._read(self._labels, i, rows, channels=1).reshape(-1, self.shapes[i][1])

    def _read(self, pixels: FlatPixels, i: int, rows: slice, *, channels: int) -> Pixels:
        height, width = self.shapes[i]
        first, last, _ = rows.indices(height)
        start = channels * self._starts[i]
        return pixels[start + channels * width * first : start + channels * width * last]


@dataclass(frozen=True)
class PreparedData:
    """A prepared data set."""

    directory: Path
    index: DataIndex
    _whole: set[Path] = field(default_factory=set, repr=False, compare=False)
    """Files whose checksum was compared."""

    def split(self, name: str) -> Split:
        """One split; the first time its files are compared with their checksums.

        Raises:
            InputError: If there is none of this name, or its files are missing, truncated or changed.
        """
        if name not in self.index.splits:
            known = list(self.index.splits)
            raise InputError(f"data set '{self.index.name}' has no split '{name}'{nearest(name, known)}")
        pixels = {kind: _open(self.directory, self.index, name, kind) for kind in CHANNELS}
        for file in pixels.values():
            if file.path not in self._whole and file.checksum() != self.index.checksums.get(file.path.name):
                raise InputError(
                    f"{file.path}: is not what was stored: it was changed or damaged; delete "
                    f"{self.directory} and prepare the data again"
                )
            self._whole.add(file.path)
        return Split(self.index.splits[name], **pixels)


def load_prepared(directory: Path) -> PreparedData:
    """Open a prepared data set.

    Raises:
        InputError: If the directory holds none, or one that is not whole.
    """
    index = read_index(directory)
    for split in index.splits:
        for kind in CHANNELS:
            _open(directory, index, split, kind)
    return PreparedData(directory=directory, index=index)


def read_index(directory: Path) -> DataIndex:
    """The index of a prepared data set; its pixels are not looked at.

    Raises:
        InputError: If there is none, or it is damaged.
    """
    path = directory / INDEX
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no regular file; remove it and prepare the data again")
    try:
        return DataIndex.model_validate_json(unsealed(path, made_by="difnet prepare"))
    except ValidationError as error:
        raise InputError(f"{path}: is damaged or of another version; prepare the data again") from error


def write_index(index: DataIndex, directory: Path) -> None:
    """Write the index of a store, with the digest that binds it."""
    content = index.model_dump_json(indent=1).encode()
    seal(directory / INDEX, content)
    (directory / INDEX).write_bytes(content)


def pixel_folder(directory: Path, sha256: str) -> Path:
    """The folder for the pixels of one content."""
    return directory / f"prepared-{sha256[:16]}"


def pixel_file(folder: Path, split: str, kind: str) -> Path:
    """The file of a split's images or labels."""
    return folder / f"{split}.{kind}.bin"


def _open(directory: Path, index: DataIndex, split: str, kind: str) -> _StoredPixels:
    path = pixel_file(pixel_folder(directory, index.sha256), split, kind)
    expected = CHANNELS[kind] * sum(h * w for h, w in index.splits[split].shapes)
    found = path.stat().st_size if path.is_file() else 0
    if found != expected:
        raise InputError(
            f"{path}: {found} of {expected} bytes are there; delete {directory} and prepare the data again"
        )
    return _StoredPixels(path)


@dataclass(frozen=True)
class _StoredPixels:
    """The pixels in a file, read part by part.

    A memory map would be as fast, but ends the process (SIGBUS) where the disk is lost.
    """

    path: Path

    def checksum(self) -> int:
        """CRC-32 of all of them."""
        value = 0
        with self.path.open("rb", buffering=0) as file:
            while part := file.read(CHUNK):
                value = zlib.crc32(part, value)
        return value

    def __getitem__(self, part: slice) -> Pixels:
        pixels = np.empty(part.stop - part.start, dtype=np.uint8)
        with self.path.open("rb", buffering=0) as file:
            file.seek(part.start)
            if file.readinto(pixels) < len(pixels):  # type: ignore[arg-type]
                raise OSError(errno.EIO, "the file has become shorter", str(self.path))
        pixels.flags.writeable = False
        return pixels
