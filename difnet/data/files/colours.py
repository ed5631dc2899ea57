"""Colours of classes: in a list of classes, in labels that are drawn with them, and by the palette of VOC."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from difnet.config import InputError
from difnet.data.dataset import VOID, Colour, Pixels
from difnet.data.files.problems import FileError

THREE_NUMBERS = re.compile(r"([\s,;]+[0-9]+){3}$")
"""At the end of a line that is meant to have a colour, right or wrong."""


@dataclass(frozen=True)
class ColourCode:
    """Which colour stands for which label value."""

    path: Path
    """The list of classes that says so."""
    values: dict[Colour, int]
    """Class index of every colour, in their order; 255 for the colour of void."""


def parse_classes(path: Path, lines: list[str]) -> tuple[list[str], ColourCode | None]:
    """The classes of a list with lines `NAME` or, all of them, `NAME R G B`; one of these may be `void`.

    Returns:
        The names without void, and the colours where there are some.

    Raises:
        InputError: If names or colours are missing, out of range or there twice, or void has no colour.
    """
    entries = [line.rsplit(maxsplit=3) for line in lines]
    coloured = [len(entry) == 4 and all(map(_is_short_number, entry[1:])) for entry in entries]
    for line, has_colour in zip(lines, coloured, strict=True):
        if not has_colour and THREE_NUMBERS.search(line):
            raise InputError(
                f"{path}: '{line}': no colour; write 'NAME R G B' with spaces, numbers up to 255"
            )
    if not any(coloured):
        return _checked(path, lines), None
    values: dict[Colour, int] = {}
    names: list[str] = []
    for line, entry, has_colour in zip(lines, entries, coloured, strict=True):
        if not has_colour:
            raise InputError(f"{path}: '{line}' has no colour, others have; write 'NAME R G B' in every line")
        name, red, green, blue = entry[0], *map(int, entry[1:])
        if max(red, green, blue) > 255 or (red, green, blue) in values:
            raise InputError(f"{path}: colour in '{line}' is beyond 255 or there twice; correct it")
        values[red, green, blue] = VOID if _is_void(name) else len(names)
        if not _is_void(name):
            names.append(name)
    return _checked(path, names), ColourCode(path, values)


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
    """The label (H, W) that an image in colours or grey shows, whichever way a PNG stores them.

    Raises:
        FileError: If it holds a colour of no class, or grey of 16 bits.
    """
    if image.mode == "I;16":
        raise FileError(
            f"label in grey of 16 bits where {colours.path.name} has colours; save it with 8 bits", str(path)
        )
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
