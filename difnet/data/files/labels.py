"""Labels that hold other values than class indices, in an image or in a MATLAB file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from difnet.data.dataset import VOID, Colour, Pair, Pixels, Sample
from difnet.data.files.decoding import FileSample, read_both, read_label
from difnet.data.files.matlab import read_matlab
from difnet.data.problems import FileError

Table = tuple[int, ...]
"""The class of the values 0, 1, ... of a label file; 255 for void."""


@dataclass(frozen=True)
class TableSample:
    """An image with a label whose values a table turns into classes."""

    name: str
    image: Path
    label: Path
    table: Table
    field: str
    """Where the label is in a MATLAB file, e.g. `GTcls.Segmentation`; empty for an image."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Image and label."""
        return self.image, self.label

    def read(self) -> Pair:
        """Decode both files.

        Raises:
            FileError: If one is damaged, their sizes differ, or the table lacks a value of the label.
        """
        return read_both(self.image, self._read_label)

    def _read_label(self) -> Pixels:
        if self.field:
            values = read_matlab(self.label, self.field)
        else:
            values = read_label(self.label, classes=VOID, void=VOID)
        return look_up(values, self.table, self.label)


def with_table(samples: list[Sample], table: Table, *, field: str = "") -> list[Sample]:
    """The same images and labels, the labels read through a table; what lacks either stays as it is.

    Args:
        samples: As `pair_files` makes them.
        table: Class of every value.
        field: Where the label is in MATLAB files; empty for images.
    """
    return [
        TableSample(sample.name, sample.image, sample.label, table, field)
        if isinstance(sample, FileSample)
        else sample
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


def voc_colour(index: int) -> Colour:
    """Colour of a class in the palette of PASCAL VOC.

    Bits 0, 1 and 2 of the index are the highest bits of red, green and blue, bits 3, 4 and 5 the next.
    """
    red, green, blue = (
        sum((index >> (3 * level + channel) & 1) << (7 - level) for level in range(3)) for channel in range(3)
    )
    return red, green, blue
