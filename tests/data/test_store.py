"""Reading a store: what is not whole, or not there, is refused with the remedy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from difnet.config import DataConfig, InputError
from difnet.data import load_prepared, prepare


def folder(root: Path) -> DataConfig:
    return DataConfig(name="folder", options={"root": str(root)})


def test_truncated_store_is_refused_and_mended(own: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = prepare(folder(own), store)
    (pixels,) = store.rglob("val.labels.bin")
    pixels.write_bytes(pixels.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"val\.labels\.bin: 1535 of 1536 bytes.*prepare the data again"):
        load_prepared(store)
    assert prepare(folder(own), store) == first
    assert len(load_prepared(store).split("val")) == 2


def test_missing_and_damaged_index(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="prepare the data first"):
        load_prepared(tmp_path)
    (tmp_path / "index.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="prepare the data again"):
        load_prepared(tmp_path)


def test_pipe_in_place_of_the_index(own: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = prepare(folder(own), store)
    (store / "index.json").unlink()
    os.mkfifo(store / "index.json")
    with pytest.raises(InputError, match=r"index\.json: is no regular file; remove it"):
        load_prepared(store)
    assert prepare(folder(own), store) == first


def test_unknown_split_names_the_known_ones(own: Path, tmp_path: Path) -> None:
    prepare(folder(own), tmp_path / "store")
    data = load_prepared(tmp_path / "store")
    with pytest.raises(InputError, match="'folder' has no split 'vall'; did you mean 'val'"):
        data.split("vall")
    with pytest.raises(InputError, match="known are train, val"):
        data.split("x")
