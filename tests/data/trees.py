"""What the tests of the published layouts share: small files, and the error of preparing a tree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from difnet.config import DataConfig, InputError
from difnet.data import Split, load_prepared, prepare

SIZE = (6, 9)
Label = npt.NDArray[np.integer]


def write_photo(path: Path, *, size: tuple[int, int] = SIZE) -> None:
    """Write an image of random pixels, height and width as in `size`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(list(path.name.encode()))
    Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)


def random_label(seed: int, values: list[int], *, size: tuple[int, int] = SIZE) -> Label:
    """Random values, with every one of them in the first pixels."""
    label = np.random.default_rng(seed).choice(values, size)
    label.flat[: len(values)] = values
    return label


def write_label(path: Path, label: Label) -> None:
    """Write a PNG with one channel of 8 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(label.astype(np.uint8)).save(path)


def write_lines(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def labels_of(split: Split) -> dict[str, Label]:
    """The prepared labels by name, in their order."""
    return {name: split.label(i) for i, name in enumerate(split.names)}


def prepared(config: DataConfig, store: Path) -> dict[str, dict[str, Label]]:
    """The prepared labels of every split."""
    index = prepare(config, store)
    return {split: labels_of(load_prepared(store).split(split)) for split in index.splits}


def problem(config: DataConfig, store: Path) -> str:
    """The error of preparing, which is one line and leaves nothing behind."""
    with pytest.raises(InputError) as error:
        prepare(config, store)
    assert "\n" not in str(error.value)
    assert not list(store.rglob("*.bin")) and not list(store.rglob("*.json"))
    return str(error.value)
