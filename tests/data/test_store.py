"""Reading a store: what is not whole, or not there, is refused with the remedy."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from difnet.config import DataConfig, InputError
from difnet.data import load_prepared, prepare
from difnet.data.prepare import planned_change
from difnet.data.prepare.sources import read_sources
from difnet.tables import seal
from tests.damaged import damaged


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
    with pytest.raises(InputError, match=r"index\.json does not exist; write it first: difnet prepare"):
        load_prepared(tmp_path)
    (tmp_path / "index.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="has no digest"):
        load_prepared(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("classes", 7),
        ("palette", [[1, 2]]),
        ("palette", {"leaf": "red"}),
        ("sha256", None),
        ("checksums", {}),
        ("checksums", {"train.images.bin": "x"}),
        ("splits", []),
        ("splits", {"train": {"names": ["a"], "shapes": [], "groups": []}}),
        ("splits", {"train": {"names": ["a"], "shapes": [[-4, 4]], "groups": [""]}}),
        ("splits", {"train": {"names": ["a"], "shapes": [["x", 4]], "groups": [""]}}),
        ("splits", {"train": {"names": "a", "shapes": [[4, 4]], "groups": None}}),
    ],
)
def test_an_index_of_wrong_types_is_one_line(own: Path, tmp_path: Path, key: str, value: object) -> None:
    """With the digest of what it says: written by another program, or by hand."""
    prepare(folder(own), tmp_path / "store")
    path = tmp_path / "store" / "index.json"
    content = json.dumps(json.loads(path.read_text()) | {key: value}).encode()
    path.write_bytes(content)
    seal(path, content)
    with pytest.raises(InputError, match=r"^[^\n]*prepare the data again$"):
        load_prepared(path.parent).split("train")


def test_no_damage_is_silent(own: Path, tmp_path: Path) -> None:
    """A job that reads the store says so, and preparing mends it."""
    store = tmp_path / "store"
    first = prepare(folder(own), store)
    (images,), (labels,) = store.rglob("val.images.bin"), store.rglob("val.labels.bin")
    for path in (images, labels, store / "index.json"):
        sound = path.read_bytes()
        for content in damaged(sound):
            path.write_bytes(content)
            with pytest.raises(InputError, match=r"is not what was |bytes are there; delete"):
                load_prepared(store).split("val")
        assert prepare(folder(own), store, verify=True) == first
        assert path.read_bytes() == sound


def test_damaged_notes_of_the_sources_are_none(own: Path, tmp_path: Path) -> None:
    """A plan that believed them would prepare and train again; preparing writes them anew."""
    config, path = folder(own), tmp_path / "store" / "sources.json"
    first = prepare(config, path.parent)
    sound, sources = path.read_bytes(), read_sources(path.parent)
    for content in damaged(sound):
        path.write_bytes(content)
        assert read_sources(path.parent) in (None, sources)
        assert planned_change(config, path.parent) == ""
    assert prepare(config, path.parent) == first
    assert read_sources(path.parent) == sources


def test_a_job_reads_the_pixels_once_to_compare_them(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(folder(own), tmp_path / "store")
    data = load_prepared(tmp_path / "store")
    first = data.split("val").image(0)
    monkeypatch.setattr(zlib, "crc32", lambda *_: pytest.fail("read again"))
    assert np.array_equal(data.split("val").image(0), first)


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
