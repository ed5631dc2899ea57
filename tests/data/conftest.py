"""Small data sets on disk, made by the tests."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difnet.config import InputError
from difnet.data.files.tree import locate

CLASSES = ("background", "leaf", "stem")


def write_pair(root: Path, name: str, *, size: tuple[int, int] = (24, 32), seed: int = 0) -> None:
    """Write `images/NAME.png` and `labels/NAME.png` of random pixels, height and width as in `size`."""
    rng = np.random.default_rng([seed, len(name), *name.encode()])
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    label = rng.choice(np.array([0, 1, 2, 255], dtype=np.uint8), size)
    Image.fromarray(image).save(root / "images" / f"{name}.png")
    Image.fromarray(label).save(root / "labels" / f"{name}.png")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's own folder: eight images for training and two for validation."""
    root = tmp_path / "own"
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    (root / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    for number in range(10):
        write_pair(root, f"plant{number}")
    (root / "val.txt").write_text("plant3\nplant7\n", encoding="utf-8")
    return root


@pytest.fixture
def camvid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A miniature tree in the layout of CamVid, found through DIFNET_DATA."""
    root = tmp_path / "data" / "CamVid"
    for split, names in (("train", ("0001TP_1", "0001TP_2", "0016E5_3")), ("val", ("0016E5_4", "0016E5_5"))):
        (root / split).mkdir(parents=True)
        (root / f"{split}annot").mkdir()
        (root / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
        for number, name in enumerate(names):
            rng = np.random.default_rng(number)
            image = Image.fromarray(rng.integers(0, 256, (36, 48, 3), dtype=np.uint8))
            image.save(root / split / (f"{name}.jpg" if number % 2 else f"{name}.png"))
            label = rng.integers(0, 12, (36, 48), dtype=np.uint8)
            Image.fromarray(label).save(root / f"{split}annot" / f"{name}.png")
    monkeypatch.setenv("DIFNET_DATA", str(root.parent))
    return root


@pytest.fixture(scope="session")
def real_camvid() -> Path:
    """The real CamVid; tests that need it are skipped where it is absent."""
    try:
        return locate("CamVid")
    except InputError as error:
        where = os.environ.get("DIFNET_DATA", "not set")
        pytest.skip(f"CamVid is absent (DIFNET_DATA is {where}): {error}")
