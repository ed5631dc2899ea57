"""Unusual files that are read, by the name that docs/bad-input.md gives them, with what a user expects."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from difnet.data.dataset import Pixels
from tests.data.files.damage import COLOURED_CLASSES, classes, image, label, png, renamed, store, val

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8)
GREY = np.tile(np.arange(32, dtype=np.uint8) * 8, (24, 1))
FINE = (np.arange(24 * 32, dtype=np.uint16) * 85).reshape(24, 32)
INDEX = RNG.choice(np.array([0, 1, 2, 255], dtype=np.uint8), (24, 32))
QUARTER_TURN = 6


def opened(path: Path) -> Pixels:
    with Image.open(path) as file:
        return np.array(file)


def cmyk(root: Path) -> Pixels:
    image(root).unlink()
    smooth = np.stack([GREY, GREY[:, ::-1], 128 + GREY // 4], axis=2)
    Image.fromarray(smooth).convert("CMYK").save(image(root, ".jpg"), quality=100)
    return smooth


def palette_image(root: Path) -> Pixels:
    file = Image.fromarray(GREY // 8)
    file.putpalette([value for index in range(256) for value in (index, 255 - index, 7)])
    file.save(image(root))
    return np.stack([GREY // 8, 255 - GREY // 8, np.full_like(GREY, 7)], axis=2)


def grey(root: Path) -> Pixels:
    store(image(root), GREY)
    return np.stack([GREY] * 3, axis=2)


def grey_16(root: Path) -> Pixels:
    store(image(root), FINE)
    return np.stack([(FINE >> 8).astype(np.uint8)] * 3, axis=2)


def rgb_16(root: Path) -> Pixels:
    rows = np.stack([FINE, FINE[::-1], FINE[:, ::-1]], axis=2)
    pixels = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    image(root).write_bytes(png(32, 24, bits=16, pixels=pixels))
    return (rows >> 8).astype(np.uint8)


def opaque(root: Path) -> Pixels:
    store(image(root), np.dstack([RGB, np.full((24, 32), 255, dtype=np.uint8)]))
    return RGB


def other_format(root: Path) -> Pixels:
    pixels = opened(image(root))
    image(root).rename(image(root, ".JPG"))
    return pixels


def other_suffix(root: Path) -> Pixels:
    image(root).unlink()
    Image.fromarray(RGB).save(image(root, ".bmp"))
    return RGB


def turned(root: Path, label_shape: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x112] = QUARTER_TURN
    Image.fromarray(RGB).save(image(root), exif=exif)
    store(label(root), np.zeros(label_shape, dtype=np.uint8))


def turned_with_its_label(root: Path) -> Pixels:
    turned(root, (32, 24))
    return np.rot90(RGB, -1)


def turned_alone(root: Path) -> Pixels:
    turned(root, (24, 32))
    return RGB


IMAGES: dict[str, Callable[[Path], Pixels]] = {
    "CMYK JPEG": cmyk,
    "image with a palette": palette_image,
    "grey image": grey,
    "grey image of 16 bits": grey_16,
    "RGB image of 16 bits": rgb_16,
    "opaque image with an alpha channel": opaque,
    "other format than the suffix says": other_format,
    "BMP, GIF or WebP": other_suffix,
    "image turned by 90 degrees in EXIF, label upright": turned_with_its_label,
    "image turned by 90 degrees in EXIF, label as stored": turned_alone,
}


def palette_label(root: Path) -> Pixels:
    file = Image.fromarray(INDEX)
    file.putpalette([value for index in range(256) for value in (index, 255 - index, 7)])
    file.save(label(root))
    return INDEX


def palettes_that_differ_where_unused(root: Path) -> Pixels:
    store(label(root), INDEX)
    for number, path in enumerate(sorted((root / "labels").iterdir())):
        file = Image.fromarray(opened(path))
        file.putpalette([0, 0, 0, 0, 160, 0, 120, 60, 0, *[number] * 756, 255, 255, 255])
        file.save(path, transparency=100)
    return INDEX


def label_16(root: Path) -> Pixels:
    store(label(root), INDEX.astype(np.uint16))
    return INDEX


def label_1(root: Path) -> Pixels:
    store(label(root), INDEX == 1)
    return (INDEX == 1).astype(np.uint8)


COLOURS = {0: (0, 0, 0), 1: (0, 160, 0), 2: (120, 60, 0), 255: (255, 255, 255)}
"""Those of COLOURED_CLASSES."""


def label_in_colours(root: Path) -> Pixels:
    classes(root, COLOURED_CLASSES)
    table = np.array([COLOURS.get(value, (9, 9, 9)) for value in range(256)], dtype=np.uint8)
    store(label(root), INDEX)
    for path in (root / "labels").iterdir():
        store(path, table[opened(path)])
    return INDEX


def palette_in_colours(root: Path) -> Pixels:
    """A program may store few colours as a palette in an order of its own."""
    label_in_colours(root)
    with Image.open(label(root)) as file:
        file.quantize(4).save(label(root))
    assert set(np.unique(opened(label(root)))) == {0, 1, 2, 3}
    return INDEX


MASKS = "background 0 0 0\nleaf 255 255 255\n"


def stored_in_grey(root: Path, mode: str) -> Pixels:
    """A mask in black and white, as programs store it that leave out what grey does not need."""
    classes(root, MASKS)
    for path in (root / "labels").iterdir():
        Image.fromarray(255 * (INDEX == 1).astype(np.uint8)).convert(mode).save(path)
    return (INDEX == 1).astype(np.uint8)


LABELS: dict[str, Callable[[Path], Pixels]] = {
    "label with a palette": palette_label,
    "label with a palette, of which it does not use a transparent or differing entry": (
        palettes_that_differ_where_unused
    ),
    "label of 16 bits": label_16,
    "label of 1 bit": label_1,
    "label in colours, with `NAME R G B` in classes.txt": label_in_colours,
    "label with a palette, with `NAME R G B` in classes.txt": palette_in_colours,
    "label in grey of 1 or 8 bits, with `NAME R G B` in classes.txt": lambda root: stored_in_grey(root, "L"),
}


def named(root: Path, name: str) -> str:
    renamed(root, name)
    val(root, f"{name}\n")
    return name


def decomposed(root: Path) -> str:
    """Files as some systems spell them, the list as others do."""
    renamed(root, unicodedata.normalize("NFD", "größe"))
    val(root, "größe\n")
    return "größe"


def hidden(root: Path) -> str:
    (root / "images" / "._plant1.png").write_bytes(b"what a file manager left")
    val(root, "plant1\n")
    return "plant1"


def spaced(root: Path) -> str:
    named(root, " plant ")
    return "plant"


def foreign_list(root: Path) -> str:
    (root / "val.txt").write_bytes("\ufeffplant1\r\n\r\n  plant2\r\n".encode())
    return "plant1"


def linked(root: Path) -> str:
    image(root).rename(root / "elsewhere.png")
    image(root).symlink_to(root / "elsewhere.png")
    val(root, "plant1\n")
    return "plant1"


NAMES: dict[str, Callable[[Path], str]] = {
    "name with spaces and Unicode": lambda root: named(root, "eine größere 植物"),
    "name with spaces at its ends": spaced,
    "name of 255 bytes with its suffix": lambda root: named(root, "x" * 251),
    "name in decomposed Unicode, listed composed": decomposed,
    "hidden file": hidden,
    "list with a byte order mark, CRLF, spaces or empty lines": foreign_list,
    "link to a file": linked,
}
