"""Unusual files that are read, with the pixels that a user expects; docs/bad-input.md lists them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difnet.config import DataConfig
from difnet.data import load_prepared, prepare
from difnet.data.dataset import Pixels
from difnet.data.files.decoding import read_image
from tests.conftest import PROJECT
from tests.data.files.damage import COLOURED_CLASSES, classes, image, label, png
from tests.data.files.unusual import (
    IMAGES,
    INDEX,
    LABELS,
    MASKS,
    NAMES,
    RGB,
    grey,
    label_in_colours,
    opened,
    stored_in_grey,
)


def prepared(root: Path, tmp_path: Path, split: str) -> tuple[str, Pixels, Pixels]:
    """Name, image and label of plant1 in train, or of the first in val."""
    prepare(DataConfig(name="folder", options={"root": str(root)}), tmp_path / "store")
    data = load_prepared(tmp_path / "store").split(split)
    i = data.names.index("plant1") if split == "train" else 0
    return data.names[i], data.image(i), data.label(i)


def test_the_documentation_has_every_case() -> None:
    text = (PROJECT / "docs" / "bad-input.md").read_text(encoding="utf-8")
    table = text[text.index("| read |") :]
    assert re.findall(r"^\| ((?!read|-).+?) \|", table, re.MULTILINE) == [*IMAGES, *LABELS, *NAMES]


@pytest.mark.parametrize("case", IMAGES)
def test_images(case: str, own: Path, tmp_path: Path) -> None:
    expected = IMAGES[case](own)
    _, found, _ = prepared(own, tmp_path, "train")
    assert found.shape == expected.shape
    lossy = 8 if case == "CMYK JPEG" else 0
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= lossy


@pytest.mark.parametrize("suffix", [".bmp", ".gif", ".GIF", ".webp"])
def test_suffixes(suffix: str, own: Path, tmp_path: Path) -> None:
    expected = grey(own)
    with Image.open(image(own)) as file:
        file.save(image(own, suffix), lossless=True)
    image(own).unlink()
    _, found, _ = prepared(own, tmp_path, "train")
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("case", LABELS)
def test_labels(case: str, own: Path, tmp_path: Path) -> None:
    expected = LABELS[case](own)
    _, _, found = prepared(own, tmp_path, "train")
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("case", NAMES)
def test_names(case: str, own: Path, tmp_path: Path) -> None:
    pixels = opened(image(own)), opened(label(own))
    expected = NAMES[case](own)
    name, *found = prepared(own, tmp_path, "val")
    assert name == expected
    assert all(np.array_equal(*pair) for pair in zip(found, pixels, strict=True))


def test_void_may_be_spelled_in_any_case(own: Path, tmp_path: Path) -> None:
    expected = label_in_colours(own)
    classes(own, COLOURED_CLASSES.replace("void", "Void"))
    _, _, found = prepared(own, tmp_path, "train")
    assert np.array_equal(found, expected) and 255 in found


def test_colours_are_those_of_the_report_and_part_of_what_is_prepared(own: Path, tmp_path: Path) -> None:
    label_in_colours(own)
    config = DataConfig(name="folder", options={"root": str(own)})
    first = prepare(config, tmp_path / "store")
    assert dict(zip(first.classes, first.palette, strict=True)) == {
        "background": (0, 0, 0), "leaf": (0, 160, 0), "stem": (120, 60, 0)
    }  # fmt: skip
    swapped = COLOURED_CLASSES.replace("0 160 0", "X").replace("120 60 0", "0 160 0").replace("X", "120 60 0")
    classes(own, swapped)
    assert prepare(config, tmp_path / "store").sha256 != first.sha256
    assert np.array_equal(
        load_prepared(tmp_path / "store").split("train").label(1), np.array([0, 2, 1, 255])[INDEX.clip(0, 3)]
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_to_predict_is_turned_upright(orientation: int, own: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(RGB).save(image(own), exif=exif)
    upright = read_image(image(own))
    assert upright.shape[:2] == ((24, 32) if orientation < 5 else (32, 24))
    assert np.array_equal(upright, RGB) == (orientation == 1)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_a_mask_in_black_and_white_is_the_same_however_it_is_stored(
    mode: str, order: int, own: Path, tmp_path: Path
) -> None:
    expected = stored_in_grey(own, mode)
    classes(own, "\n".join(MASKS.splitlines()[::order]))
    _, _, found = prepared(own, tmp_path, "train")
    assert np.array_equal(found, expected if order == 1 else 1 - expected)


def test_grey_of_2_bits_is_scaled_as_programs_show_it(own: Path, tmp_path: Path) -> None:
    """Rows of 0, 85, 170 and 255."""
    stored_in_grey(own, "L")
    classes(own, f"{MASKS}stem 85 85 85\nvoid 170 170 170\n")
    rows = bytes([0, *[0b00011011] * 8]) * 24
    label(own).write_bytes(png(32, 24, bits=2, colour=0, pixels=rows))
    _, _, found = prepared(own, tmp_path, "train")
    assert np.array_equal(found, np.tile([0, 2, 255, 1], (24, 8)))
