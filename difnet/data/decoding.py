"""Decoding images and labels, checked to be whole and legal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from difnet.data.dataset import VOID, Pair, Pixels
from difnet.data.problems import FileError

DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
"""What Pillow raises for damaged files."""


@dataclass(frozen=True)
class FileSample:
    """An image file with its label file."""

    name: str
    image: Path
    label: Path
    classes: int
    void: int
    """Value of void pixels in the label file."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Image and label."""
        return self.image, self.label

    def read(self) -> Pair:
        """Decode both files.

        Raises:
            FileError: If one is damaged, their sizes differ, or the label is not legal.
        """
        image = read_image(self.image)
        label = read_label(self.label, classes=self.classes, void=self.void)
        if image.shape[:2] != label.shape:
            sizes = f"{image.shape[1]}x{image.shape[0]} and {label.shape[1]}x{label.shape[0]}"
            raise FileError(
                "image and label differ in size; crop or resize one of them", f"{self.image} ({sizes})"
            )
        return Pair(image=image, label=label)


def read_image(path: Path, *, upright: bool = False) -> Pixels:
    """Decode an image to RGB (H, W, 3).

    Args:
        path: The file.
        upright: Turn it as its EXIF orientation says; a label, which has none, would no longer fit.

    Raises:
        FileError: If it cannot be decoded to its end.
    """
    try:
        with Image.open(path) as image:
            turned = ImageOps.exif_transpose(image) if upright else image
            return np.asarray(turned.convert("RGB"))
    except DECODING_ERRORS as error:
        raise _undecodable(path, error) from error


def read_label(path: Path, *, classes: int, void: int) -> Pixels:
    """Decode a label of class indices, of which `void` becomes 255; palette images are read as indices.

    Returns:
        (H, W) label.

    Raises:
        FileError: If it cannot be decoded to its end, is coloured, or holds other values.
    """
    try:
        with Image.open(path) as image:
            values: npt.NDArray[np.integer] = np.asarray(image)
    except DECODING_ERRORS as error:
        raise _undecodable(path, error) from error
    if values.ndim != 2:
        raise FileError(
            "label in colours where class indices are expected; "
            "convert it to a PNG with one channel that holds the index of the class",
            str(path),
        )
    illegal = values[((values < 0) | (values >= classes)) & (values != void)]
    if illegal.size:
        raise FileError(
            f"label value outside 0..{classes - 1} ({void} is void); correct the label or the classes",
            f"{path} (value {illegal[0]})",
        )
    return np.where(values == void, VOID, values).astype(np.uint8)


def _undecodable(path: Path, error: Exception) -> FileError:
    unknown = isinstance(error, UnidentifiedImageError)
    reason = "not an image" if unknown else getattr(error, "strerror", None) or error
    return FileError("cannot be decoded; replace the file", f"{path} ({reason})")
