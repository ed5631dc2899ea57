"""Colours of classes: in a list of classes, in labels that are drawn with them, and by the palette of VOC."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from difnet.config import InputError
from difnet.data.dataset import VOID, Colour, Pixels
from difnet.data.files.problems import FileError

PUNCTUATION = " _-.'()/&+"
"""What a name may hold beside letters and digits: nothing that separates fields in other notations."""
HEADINGS = {"name", "names", "class", "classes", "label", "labels", "category", "categories", "id", "index"}
COLUMNS = HEADINGS | {"r", "g", "b", "rgb", "red", "green", "blue", "color", "colour"}


@dataclass(frozen=True)
class ColourCode:
    """Which colour stands for which label value."""

    path: Path
    """The list of classes that says so."""
    values: dict[Colour, int]
    """Class index of every colour, in their order; 255 for the colour of void."""


def parse_classes(path: Path, lines: list[str]) -> tuple[list[str], ColourCode | None]:
    """The classes of a list with lines `NAME` or, all of them, `NAME R G B`; one of these may be `void`.

    A line in the notation of another program (a comment, a heading, fields with commas or colons, numbers
    before the name, `__ignore__`) would be one class too many and shift all that follow, so it is refused.

    Returns:
        The names without void, and the colours where there are some.

    Raises:
        InputError: If a line is of another form, names or colours are missing, out of range or there twice,
            or void has no colour.
    """
    entries = [_entry(line) for line in lines]
    for place, (line, (name, _)) in enumerate(zip(lines, entries, strict=True)):
        if not _is_plain(name) or (place == 0 and _is_heading(line)):
            raise InputError(
                f"{path}: '{line[:80]}' is neither NAME nor 'NAME R G B'; write one class a line, with no "
                "heading, comment or number beside its name, which has letters, digits, spaces "
                f"and {PUNCTUATION.strip()} only"
            )
    if all(colour is None for _, colour in entries):
        return _checked(path, lines), None
    values: dict[Colour, int] = {}
    names: list[str] = []
    for line, (name, colour) in zip(lines, entries, strict=True):
        if colour is None:
            raise InputError(f"{path}: '{line}' has no colour, others have; write 'NAME R G B' in every line")
        if max(colour) > VOID or colour in values:
            raise InputError(f"{path}: colour in '{line}' is beyond 255 or there twice; correct it")
        values[colour] = VOID if _is_void(name) else len(names)
        if not _is_void(name):
            names.append(name)
    return _checked(path, names), ColourCode(path, values)


def _entry(line: str) -> tuple[str, Colour | None]:
    """Name and colour of a line; all of it is the name where no three short numbers end it."""
    name, *numbers = line.rsplit(maxsplit=3)
    if len(numbers) == 3 and all(map(_is_short_number, numbers)):
        red, green, blue = map(int, numbers)
        return name, (red, green, blue)
    return line, None


def _is_plain(name: str) -> bool:
    """Whether it is a name and nothing else: in words, each number with a letter to it."""
    allowed = all(unicodedata.category(c)[0] in "LMN" or c in PUNCTUATION for c in name)
    bare = [
        word for word in name.split() if any(map(str.isnumeric, word)) and not any(map(str.isalpha, word))
    ]
    begins = name[:1].isalnum() or name[:1] == "_"
    return allowed and begins and not bare and any(map(str.isalpha, name)) and not name.startswith("__")


def _is_heading(line: str) -> bool:
    words = set(re.split(r"[\s_.-]+", line.lower()))
    return words <= COLUMNS and bool(words & HEADINGS)


def _is_void(name: str) -> bool:
    return name.lower() == "void"


def _is_short_number(text: str) -> bool:
    return len(text) <= 3 and text.isascii() and text.isdigit()


def _checked(path: Path, names: list[str]) -> list[str]:
    if not 2 <= len(names) <= VOID or len(set(names)) < len(names):
        raise InputError(f"{path}: {len(names)} names; write 2 to {VOID} different ones, one a line")
    if any(map(_is_void, names)):
        raise InputError(f"{path}: void is no class; remove its line, its value in labels is {VOID}")
    return names


def decode_colours(image: Image.Image, path: Path, colours: ColourCode) -> Pixels:
    """The label (H, W) that an opaque image in colours or grey shows, whichever way a PNG stores them.

    Raises:
        FileError: If it holds a colour of no class.
    """
    pixels = np.asarray(image.convert("RGB"))
    codes = pixels[..., 0].astype(np.uint32)
    for channel in (1, 2):
        codes <<= 8
        codes |= pixels[..., channel]
    label = np.zeros(codes.shape, dtype=np.uint8)
    known = np.zeros(codes.shape, dtype=bool)
    for colour, value in colours.values.items():
        here = codes == _code(colour)
        label[here] = value
        known |= here
    if not known.all():
        strange = " ".join(str(value) for value in pixels[~known][0])
        raise FileError(
            f"label colour of no class in {colours.path.name}; add it or correct the label (where labels "
            "hold class indices, remove the colours)",
            f"{path} (colour {strange})",
        )
    return label


def is_transparent(image: Image.Image) -> bool:
    """Whether a pixel is not opaque, by an alpha channel or a transparent colour."""
    return image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema() != (255, 255)


def _code(colour: Iterable[int]) -> int:
    return int.from_bytes(bytes(colour), "big")


def voc_colour(index: int) -> Colour:
    """Colour of a class in the palette of PASCAL VOC.

    Bits 0, 1 and 2 of the index are the highest bits of red, green and blue, bits 3, 4 and 5 the next.
    """
    red, green, blue = (
        sum((index >> (3 * level + channel) & 1) << (7 - level) for level in range(3)) for channel in range(3)
    )
    return red, green, blue
