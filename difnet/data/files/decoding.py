"""Decoding images and labels, checked to be whole and legal."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from difnet.data.dataset import VOID, Pair, Pixels
from difnet.data.files.colours import ColourCode, decode_colours, is_transparent
from difnet.data.files.palettes import Palettes
from difnet.data.files.problems import FileError

MAX_PIXELS = 40_000_000
"""Of one image: decoding and checking it with its label then stays below 1 GiB."""
IMAGE_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "WEBP")
LABEL_FORMATS = ("PNG",)

warnings.filterwarnings("ignore", module=r"PIL\.")  # what matters in them ends in a FileError


def read_pair(path: Path, label: Pixels, *, as_stored: bool) -> Pair:
    """Decode the image of a label (H, W) to RGB (H, W, 3); of 16 bits a channel the upper 8 are kept.

    Args:
        path: The file.
        label: Its label.
        as_stored: Whether an image that EXIF turns to the same size is read as it is stored, or refused.

    Raises:
        FileError: If it cannot be decoded to its end, is too large or transparent, or does not fit the label.
    """
    height, width = label.shape
    with _opened(path, IMAGE_FORMATS) as file:
        image = _rgb(_as_labelled(file, path, size=(width, height), as_stored=as_stored), path)
    if image.shape[:2] != label.shape:
        sizes = f"{image.shape[1]}x{image.shape[0]} and {width}x{height}"
        raise FileError("image and label differ in size; crop or resize one of them", f"{path} ({sizes})")
    return Pair(image=image, label=label)


def read_image(path: Path) -> Pixels:
    """Decode an image that has no label as `read_pair` does, and turn it as its EXIF orientation says.

    Raises:
        FileError: If it cannot be decoded to its end, is too large or transparent.
    """
    with _opened(path, IMAGE_FORMATS) as image:
        return _rgb(ImageOps.exif_transpose(image), path)


def read_label(
    path: Path,
    *,
    classes: int,
    void: int,
    colours: ColourCode | None = None,
    palettes: Palettes | None = None,
) -> Pixels:
    """Decode a label of class indices, of which `void` becomes 255.

    Args:
        path: The file.
        classes: Number of classes.
        void: Value of void pixels in the file.
        colours: What colours stand for: every label is decoded by them, grey being a colour too. Without
            it, labels in colours are refused and labels with a palette read as indices.
        palettes: Those of the labels read before, which that of this one has to agree with.

    Returns:
        (H, W) label.

    Raises:
        FileError: If it cannot be decoded to its end, is too large, is transparent in places, holds other
            values or colours, or has a palette of its own.
    """
    with _opened(path, LABEL_FORMATS) as image:
        stored = {str(tile.args) for tile in getattr(image, "tile", ())}
        if colours and any(kind.endswith("16B") for kind in stored):
            raise FileError(
                f"label of 16 bits where {colours.path.name} has colours; save it with 8 bits", str(path)
            )
        if not colours and image.mode == "LA":
            raise FileError("label in grey with transparency; save it as a PNG with one channel", str(path))
        if not colours and stored & {"L;2", "L;4"}:
            raise FileError(
                "label in grey of 2 or 4 bits, which programs scale to 0..255; save it with 8 bits", str(path)
            )
        if is_transparent(image):
            raise FileError("label is transparent in places; make all of it opaque, void too", str(path))
        if colours:
            return decode_colours(image, path, colours)
        values: npt.NDArray[np.integer] = np.asarray(image)
        if palettes and image.mode == "P":
            palettes.add(image, path)
    if values.ndim != 2:
        raise FileError(
            "label in colours where class indices are expected; convert it to a PNG with one channel that "
            "holds the index of the class, or give data set 'folder' a classes.txt with lines 'NAME R G B'",
            str(path),
        )
    illegal = values[((values < 0) | (values >= classes)) & (values != void)]
    if illegal.size:
        raise FileError(
            f"label value outside 0..{classes - 1} ({void} is void); correct the label or the classes",
            f"{path} (value {illegal[0]})",
        )
    return np.where(values == void, VOID, values).astype(np.uint8)


@contextmanager
def _opened(path: Path, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """A file to decode; whatever Pillow raises, of which it names no closed list, becomes a FileError."""
    too_large = f"has more than {MAX_PIXELS // 10**6} megapixels; scale it down or cut it into pieces"
    try:
        with Image.open(path, formats=(*formats, "TIFF")) as image:
            if image.format == "TIFF":
                raise FileError("is a TIFF, of which damage can go unnoticed; convert it to PNG", str(path))
            image.verify()  # the checksums of a PNG, which decoding ignores once it has enough pixels
        with Image.open(path, formats=formats) as image:
            if image.width * image.height > MAX_PIXELS:
                raise FileError(too_large, f"{path} ({image.width}x{image.height})")
            yield image
    except FileError:
        raise
    except Image.DecompressionBombError as error:
        raise FileError(too_large, str(path)) from error
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            reason = "not a PNG" if formats == LABEL_FORMATS else "not an image"
        raise FileError("cannot be decoded; replace the file", f"{path} ({reason})") from error


def _as_labelled(image: Image.Image, path: Path, *, size: tuple[int, int], as_stored: bool) -> Image.Image:
    """The image as its label of (width, height) shows it: as stored, or as EXIF turns it if only that fits.

    Raises:
        FileError: If both would fit, since the label, which has no EXIF, cannot tell; unless `as_stored`.
    """
    if image.getexif().get(ExifTags.Base.Orientation, 1) not in range(2, 9):
        return image
    upright = ImageOps.exif_transpose(image)
    if upright.size == image.size and as_stored:
        return image
    if upright.size == image.size:
        raise FileError(
            "is turned by EXIF, and its label may be turned or not; save it upright without EXIF", str(path)
        )
    return upright if upright.size == size else image


def _rgb(image: Image.Image, path: Path) -> Pixels:
    image.load()
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if is_transparent(image):
        raise FileError("is transparent in places; flatten it onto a background", str(path))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
