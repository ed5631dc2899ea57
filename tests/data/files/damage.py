"""Every way in which a user's own folder can be wrong, by the name that docs/bad-input.md gives it."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from difnet.data.files.tree import LARGEST_LIST
from tests.data.trees import write_pair

Damage = Callable[[Path], object]
"""Changes the folder of the fixture `own`."""

COLOURED_CLASSES = "background 0 0 0\nleaf 0 160 0\nstem 120 60 0\nvoid 255 255 255\n"


def image(root: Path, suffix: str = ".png") -> Path:
    return root / "images" / f"plant1{suffix}"


def label(root: Path) -> Path:
    return root / "labels" / "plant1.png"


def png(width: int, height: int, *, bits: int = 8, colour: int = 2, pixels: bytes = b"") -> bytes:
    """A PNG as its header says, with whatever pixels."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def cut(path: Path) -> None:
    """Cut off the last tenth, which leaves the header and most pixels whole."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])


def as_jpeg(root: Path, **options: object) -> Path:
    """Store an image as JPEG instead."""
    with Image.open(image(root)) as file:
        file.save(image(root, ".jpg"), quality=95, **options)
    image(root).unlink()
    return image(root, ".jpg")


def as_tiff(path: Path) -> Path:
    """Store a file as TIFF instead."""
    with Image.open(path) as file:
        file.save(path.with_suffix(".tif"))
    path.unlink()
    return path.with_suffix(".tif")


def turned(root: Path, orientation: int) -> Path:
    """Give an image an EXIF orientation."""
    exif = Image.Exif()
    exif[0x112] = orientation
    return as_jpeg(root, exif=exif)


def store(path: Path, pixels: np.typing.NDArray[np.generic]) -> None:
    Image.fromarray(pixels).save(path)


def set_label(root: Path, value: int, kind: type[np.generic] = np.uint8) -> None:
    with Image.open(label(root)) as file:
        pixels = np.array(file).astype(kind)
    pixels[0, 0] = value
    store(label(root), pixels)


def linked(path: Path, target: str | Path) -> None:
    """Put a link in the place of a file or folder."""
    if path.exists():
        path.rename(path.with_name("moved"))
    path.symlink_to(target)


def in_place_of_image(root: Path, make: Callable[[Path], object]) -> None:
    image(root).unlink()
    make(image(root))


def empty(root: Path) -> None:
    for path in (*(root / "images").iterdir(), *(root / "labels").iterdir(), root / "val.txt"):
        path.unlink()


def renamed(root: Path, name: str) -> None:
    for path in (image(root), label(root)):
        path.rename(path.with_stem(name))


def classes(root: Path, text: str) -> None:
    (root / "classes.txt").write_text(text, encoding="utf-8")


def val(root: Path, text: str, encoding: str = "utf-8") -> None:
    (root / "val.txt").write_text(text, encoding=encoding)


def coloured(root: Path, pixels: np.typing.NDArray[np.generic]) -> None:
    """This label where classes have colours; all others are black."""
    classes(root, COLOURED_CLASSES)
    for path in (root / "labels").iterdir():
        store(path, np.zeros((24, 32), dtype=np.uint8))
    store(label(root), pixels)


def in_subfolders(root: Path) -> None:
    for part in ("images", "labels"):
        (root / part / "garden").mkdir()
        (root / part / "plant1.png").rename(root / part / "garden" / "plant1.png")


def large(path: Path) -> None:
    """Without taking room on the disk."""
    with path.open("a") as file:
        file.truncate(LARGEST_LIST + 1)


def several(root: Path) -> None:
    """Problems of every split, of names as of pixels."""
    label(root).unlink()
    (root / "images" / "plant3.png").unlink()
    cut(root / "images" / "plant2.png")
    cut(root / "labels" / "plant2.png")
    val(root, "plant3\nplant7\nplant7\nplant77\n")


def fifteen(root: Path) -> None:
    for number in range(20, 35):
        write_pair(root, f"plant{number}")
        cut(root / "images" / f"plant{number}.png")
    set_label(root, 9)


def jpeg_label(root: Path) -> None:
    with Image.open(label(root)) as file:
        file.save(label(root).with_suffix(".jpg"))
    label(root).unlink()


def masks(root: Path, *values: int) -> None:
    """All labels of these values, but those of val as before."""
    for path in (root / "labels").iterdir():
        if path.stem not in ("plant3", "plant7"):
            store(path, np.resize(np.array(values, dtype=np.uint8), (24, 32)))


def transparent(root: Path) -> None:
    pixels = np.full((24, 32, 4), 255, dtype=np.uint8)
    pixels[3, 3, 3] = 254
    store(image(root), pixels)


def transparent_label(root: Path) -> None:
    pixels = np.zeros((24, 32, 4), dtype=np.uint8)
    pixels[1:, :, 3] = 255
    coloured(root, pixels)


def transparent_value(root: Path, mode: str) -> None:
    """As programs do that let void shine through."""
    with Image.open(label(root)) as file:
        pixels = np.array(file)
    shown = Image.fromarray(pixels)
    if mode == "P":
        shown.putpalette([0, 0, 0, 0, 160, 0, 120, 60, 0, *[255] * 759])
    shown.save(label(root), transparency=255)


def own_palettes(root: Path) -> None:
    """The same colours in every label, numbered anew in each, as programs save them as PNG8."""
    colours = np.array([(0, 0, 0), (0, 160, 0), (120, 60, 0)], dtype=np.uint8)
    for number, path in enumerate(sorted((root / "labels").iterdir())):
        label = np.full((24, 32), number % 3, dtype=np.uint8)
        label[:12] = (number + 1) % 3
        Image.fromarray(colours[label]).quantize(3).save(path)


def void_in_val(root: Path) -> None:
    for name in ("plant3", "plant7"):
        store(root / "labels" / f"{name}.png", np.full((24, 32), 255, dtype=np.uint8))


def groups(root: Path, *lines: str, left_out: str = "") -> None:
    """Every image in a group of its own, but for some."""
    names = sorted(path.stem for path in (root / "images").iterdir() if path.stem != left_out)
    text = "".join(f"{line}\n" for line in (*(f"{name} {name}" for name in names), *lines))
    (root / "groups.txt").write_text(text, encoding="utf-8")


NO_FOLDER = {"no such folder": "elsewhere", "folder with a name of 300 characters": "long" * 75}
"""Names of folders that are not there, below `own`."""

DAMAGE: dict[str, Damage] = {
    "`labels/` missing": lambda root: (root / "labels").rename(root / "masks"),
    "`images/` a link to itself": lambda root: linked(root / "images", root / "images"),
    "`classes.txt` missing": lambda root: (root / "classes.txt").unlink(),
    "`classes.txt` a folder": lambda root: ((root / "classes.txt").unlink(), (root / "classes.txt").mkdir()),
    "one class": lambda root: classes(root, "leaf\n"),
    "class twice": lambda root: classes(root, "leaf\nleaf\n"),
    "`void` in a list without colours": lambda root: classes(root, "background\nVoid\nleaf\n"),
    "class without a colour": lambda root: classes(root, "leaf 0 160 0\nstem\n"),
    "colour twice": lambda root: classes(root, "leaf 0 160 0\nstem 0 160 0\n"),
    "colour with commas": lambda root: classes(root, "background,0,0,0\nleaf,0,160,0\n"),
    "comment or heading in `classes.txt`": lambda root: classes(root, "# classes\nbackground\nleaf\nstem\n"),
    "label map of CVAT": lambda root: classes(root, "background:0,0,0::\nleaf:0,160,0::\n"),
    "`__ignore__` of labelme": lambda root: classes(root, "__ignore__\nbackground\nleaf\nstem\n"),
    "colour before the name": lambda root: classes(root, "0 0 0 background\n0 160 0 leaf\n"),
    "list a link that leads nowhere": lambda root: linked(root / "val.txt", root / "nowhere"),
    "list in UTF-16": lambda root: val(root, "plant3\n", "utf-16"),
    "list with control characters": lambda root: val(root, "plant3\x00\n"),
    "list a pipe": lambda root: ((root / "val.txt").unlink(), os.mkfifo(root / "val.txt")),
    "list of more than 16 MiB": lambda root: large(root / "val.txt"),
    "listed name without files": lambda root: val(root, "plant3\nplant77\nplant7.png\n"),
    "listed name of 300 characters": lambda root: val(root, "plant3\n" + "long" * 75 + "\n"),
    "name twice in a list": lambda root: val(root, "plant3\nplant3\n"),
    "name in two lists": lambda root: (root / "test.txt").write_text("plant1\nplant3\n", encoding="utf-8"),
    "no images": empty,
    "empty list": lambda root: val(root, " \n\n"),
    "list with a name like that of a split": lambda root: (root / "val.txt").rename(root / "validation.txt"),
    "line with one word in `groups.txt`": lambda root: groups(root, "garden"),
    "group of no image": lambda root: groups(root, "plant77 garden"),
    "image without a group": lambda root: groups(root, left_out="plant4"),
    "image in two groups": lambda root: groups(root, "plant4 garden"),
    "group in two splits": lambda root: groups(root, "plant4 plant3", left_out="plant4"),
    "image without label": lambda root: label(root).unlink(),
    "label without image": lambda root: image(root).unlink(),
    "images in a subfolder": in_subfolders,
    "two images for one name": lambda root: image(root, ".jpg").write_bytes(image(root).read_bytes()),
    "two spellings of one name in Unicode": lambda root: [write_pair(root, n) for n in ("\xe9", "e\u0301")],
    "name not in UTF-8": lambda root: renamed(root, os.fsdecode(b"caf\xe9")),
    "name with a line end": lambda root: renamed(root, "two\nlines"),
    "image a link to itself": lambda root: in_place_of_image(root, lambda path: path.symlink_to(path)),
    "folder in place of an image": lambda root: in_place_of_image(root, Path.mkdir),
    "pipe in place of an image": lambda root: in_place_of_image(root, os.mkfifo),
    "image that cannot be read": lambda root: linked(image(root), "/proc/self/mem"),
    "empty file": lambda root: image(root).write_bytes(b""),
    "text in place of an image": lambda root: image(root).write_text("no"),
    "truncated PNG": lambda root: cut(image(root)),
    "truncated JPEG": lambda root: cut(as_jpeg(root)),
    "truncated label": lambda root: cut(label(root)),
    "several problems": several,
    "fifteen truncated files and a wrong label": fifteen,
    "header that claims 60000 x 60000 pixels": lambda root: image(root).write_bytes(png(60000, 60000)),
    "header that claims 8000 x 8000 pixels": lambda root: image(root).write_bytes(png(8000, 8000)),
    "image turned by 180 degrees in EXIF": lambda root: turned(root, 3),
    "transparent image": transparent,
    "TIFF": lambda root: as_tiff(image(root)),
    "TIFF with another suffix": lambda root: as_tiff(image(root)).rename(image(root)),
    "sizes that differ": lambda root: store(label(root), np.zeros((24, 30), dtype=np.uint8)),
    "label in colours": lambda root: store(label(root), np.zeros((24, 32, 3), dtype=np.uint8)),
    "label in grey with transparency": lambda root: Image.new("LA", (32, 24)).save(label(root)),
    "label with a transparent entry in its palette": lambda root: transparent_value(root, "P"),
    "label with a transparent grey": lambda root: transparent_value(root, "L"),
    "transparent label, with `NAME R G B` in classes.txt": transparent_label,
    "labels with palettes of their own": own_palettes,
    "label with a colour of no class": lambda root: coloured(root, np.full((24, 32, 3), [1, 2, 3], np.uint8)),
    "label of 16 bits, with `NAME R G B` in classes.txt": lambda root: coloured(
        root, np.zeros((24, 32), dtype=np.uint16)
    ),
    "label in colours of 16 bits, with `NAME R G B` in classes.txt": lambda root: (
        coloured(root, np.zeros((24, 32), dtype=np.uint8)),
        label(root).write_bytes(png(32, 24, bits=16, pixels=bytes([0, *[0, 200] * 96]) * 24)),
    ),
    "label value beyond the classes": lambda root: set_label(root, 3),
    "label of 16 bits beyond the classes": lambda root: set_label(root, 256, np.uint16),
    "label of 4 bits in grey": lambda root: label(root).write_bytes(
        png(32, 24, bits=4, colour=0, pixels=bytes(17 * 24))
    ),
    "JPEG in place of a label": lambda root: Image.open(image(root)).convert("L").save(label(root), "JPEG"),
    "label with the suffix of a JPEG": jpeg_label,
    "TIFF in place of a label": lambda root: as_tiff(label(root)),
    "masks of 0 and 255": lambda root: masks(root, 0, 255),
    "labels of val of void alone": void_in_val,
    "labels of void alone": lambda root: masks(root, 255),
}
