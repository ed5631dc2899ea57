"""Reading labels in MATLAB files, against what scipy writes and reads."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.io import loadmat, savemat
from scipy.sparse import csc_matrix

from difnet.data import FileError
from difnet.data.files.matlab import read_matlab

CELL = np.empty((3, 1), dtype=object)
CELL[:, 0] = [csc_matrix(np.eye(4)), "text", np.arange(5.0)]
MIB = 1 << 20
HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
CELLS, STRUCT, BYTES = 1, 2, 9


def refusal(path: Path, field: str) -> str:
    with pytest.raises(FileError) as error:
        read_matlab(path, field)
    return f"{error.value.kind}: {error.value.file}"


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4", "u4", "i1"])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 5), (7, 3), (40, 60)])
def test_a_map_of_integers(tmp_path: Path, compressed: bool, dtype: str, size: tuple[int, int]) -> None:
    """Small ones share eight bytes with their kind."""
    label = np.random.default_rng(0).integers(0, 120, size).astype(dtype)
    path = tmp_path / "label.mat"
    savemat(path, {"other": CELL, "L": label, "LabelMapOfAll": label + 1}, do_compression=compressed)
    for field, expected in (("L", label), ("LabelMapOfAll", label + 1)):
        read = read_matlab(path, field)
        assert np.array_equal(read, expected)
        assert np.array_equal(read, loadmat(path)[field])
        assert read.dtype == label.dtype


@pytest.mark.parametrize("compressed", [True, False])
def test_a_member_of_a_struct(tmp_path: Path, compressed: bool) -> None:
    label = np.random.default_rng(0).integers(0, 21, (9, 14)).astype(np.uint8)
    path = tmp_path / "label.mat"
    content = {"Boundaries": CELL, "Segmentation": label, "inner": {"map": label + 1, "a": 1}}
    savemat(path, {"GTcls": content}, do_compression=compressed)
    assert np.array_equal(read_matlab(path, "GTcls.Segmentation"), label)
    assert np.array_equal(read_matlab(path, "GTcls.inner.map"), label + 1)
    assert np.array_equal(loadmat(path)["GTcls"]["Segmentation"].item(), label)


@pytest.mark.parametrize(
    "value",
    [
        np.eye(3),
        "text",
        CELL,
        np.array([[1 + 2j]]),
        csc_matrix(np.eye(4)),
        np.zeros((2, 2, 2), dtype=np.uint8),
        {"other": 1},
    ],
    ids=["floats", "text", "cell", "complex", "sparse", "volume", "struct"],
)
def test_what_is_no_map_of_integers(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "label.mat"
    savemat(path, {"LabelMap": value})
    assert "replace the file" in refusal(path, "LabelMap")
    assert "replace the file" in refusal(path, "LabelMap.map")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (np.eye(3), "3x3 double"),
        (np.eye(3, 2, dtype=np.float32), "3x2 single"),
        (np.ones((4, 5), dtype=np.int64), "4x5 int64"),
        (np.ones((4, 5), dtype=np.uint64), "4x5 uint64"),
        ("text", "1x4 char"),
        (CELL, "3x1 cell"),
        (csc_matrix(np.eye(4)), "4x4 sparse"),
        (np.zeros((2, 3, 4), dtype=np.uint8), "2x3x4 matrix"),
        ({"other": 1}, "1x1 struct"),
    ],
)
def test_the_message_says_what_was_found(tmp_path: Path, value: Any, found: str) -> None:
    path = tmp_path / "label.mat"
    savemat(path, {"LabelMap": value, "S": {"map": value}})
    for field in ("LabelMap", "S.map"):
        expected = f"holds no map of integers {field}; replace the file: {path} (found {found})"
        assert refusal(path, field) == expected
    savemat(path, {"L": np.zeros((2, 3), dtype=np.uint8), "S": np.zeros((1, 2), dtype=[("map", "O")])})
    assert refusal(path, "L.map").endswith("label.mat (found 2x3 matrix)")
    assert refusal(path, "S.map").endswith("label.mat (found 1x2 struct)")


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "label.mat"
    assert "cannot be decoded; replace the file" in refusal(path, "L") and "No such file" in refusal(
        path, "L"
    )
    savemat(path, {"M": 1})
    assert refusal(path, "L") == f"holds no map of integers L; replace the file: {path}"
    savemat(path, {"L": np.eye(2, dtype=np.uint8)}, format="4")
    assert "not a MATLAB file of level 5" in refusal(path, "L")
    for content in (b"", b"\x00" * 200, b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF"):
        path.write_bytes(content)
        assert "not a MATLAB file of level 5" in refusal(path, "L")


def test_what_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "label.mat"
    savemat(path, {"L": np.zeros((300, 300), dtype=np.uint8)}, do_compression=True)
    assert read_matlab(path, "L").shape == (300, 300)
    monkeypatch.setattr("difnet.data.files.matlab.LONGEST", 80_000)
    assert "(unpacks to 80,000 bytes or more)" in refusal(path, "L")


@contextmanager
def little_time_and_memory(mebibytes: int = 400) -> Iterator[None]:
    """Memory beside the code; while it unpacks, zlib holds both the pieces and the whole for a moment."""
    tracemalloc.start()
    start = time.process_time()
    try:
        yield
        assert time.process_time() - start < 3
        assert tracemalloc.get_traced_memory()[1] < mebibytes * MIB
    finally:
        tracemalloc.stop()


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(kind: int, size: npt.ArrayLike, *parts: bytes, name: bytes = b"GTcls") -> Iterator[bytes]:
    """A variable in pieces, of which the last are what follows its name."""
    flags, dimensions = struct.pack("<II", kind, 0), np.asarray(size, dtype="<i4").tobytes()
    pieces = [element(6, flags), element(5, dimensions), element(1, name), *parts]
    yield struct.pack("<II", 14, sum(len(piece) for piece in pieces))
    yield from pieces


def compressed(pieces: Iterator[bytes]) -> bytes:
    packer = zlib.compressobj(1)
    content = b"".join([*map(packer.compress, pieces), packer.flush()])
    return struct.pack("<II", 15, len(content)) + content


def zeros() -> bytes:
    return compressed(iter([struct.pack("<II", 14, 250 * MIB), *[bytes(MIB)] * 250]))


def variables() -> bytes:
    return compressed(matrix(BYTES, (MIB, 40), element(2, bytes(40 * MIB)), name=b"other")) * 25


def small_variables() -> bytes:
    return compressed(matrix(BYTES, (1, 1), element(2, b"1"), name=b"other")) * 300_000


def cells() -> bytes:
    return compressed(matrix(CELLS, (MIB, 4), bytes(32 * MIB)))


def members() -> bytes:
    names = element(5, struct.pack("<i", 1)) + element(1, b"a" * 4 * MIB)
    return compressed(matrix(STRUCT, (1, 1), names, struct.pack("<II", 14, 0) * 4 * MIB))


def long_name() -> bytes:
    return compressed(matrix(BYTES, (1, 1), element(2, b"1"), name=b"a" * 150 * MIB + b"\0"))


def dimensions() -> bytes:
    return compressed(matrix(BYTES, np.ones(32 * MIB, dtype="<i4"), element(2, b"1")))


@pytest.mark.parametrize(
    ("bomb", "kind", "reason"),
    [
        (zeros, "cannot be decoded", " (unpacks to 161,048,576 bytes or more)"),
        (variables, "cannot be decoded", " (unpacks to 161,048,576 bytes or more)"),
        (small_variables, "holds no map of integers GTcls.Segmentation", ""),
        (cells, "holds no map of integers GTcls.Segmentation", " (found 1048576x4 cell)"),
        (members, "holds no map of integers GTcls.Segmentation", ""),
        (long_name, "holds no map of integers GTcls.Segmentation", ""),
        (dimensions, "holds no map of integers GTcls.Segmentation", " (found 1x1x1x1 matrix)"),
    ],
)
def test_a_bomb(tmp_path: Path, bomb: Callable[[], bytes], kind: str, reason: str) -> None:
    path = tmp_path / "label.mat"
    path.write_bytes(HEADER + bomb())
    with little_time_and_memory():
        assert refusal(path, "GTcls.Segmentation") == f"{kind}; replace the file: {path}{reason}"


def test_a_file_of_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "label.mat"
    savemat(path, {"L": np.eye(3, dtype=np.uint8)})
    with path.open("r+b") as file:
        file.truncate(3 << 30)
    with little_time_and_memory():
        assert "label.mat (larger than 161,048,576 bytes)" in refusal(path, "L")


@pytest.mark.parametrize("compress", [True, False])
def test_the_largest_label(tmp_path: Path, compress: bool) -> None:
    """As large as an image may be, in the widest type."""
    label = np.zeros((5000, 8000), dtype=np.uint32)
    label[4999, 7998:] = 20, 21
    path = tmp_path / "label.mat"
    savemat(path, {"L": label}, do_compression=compress)
    with little_time_and_memory():
        assert np.array_equal(read_matlab(path, "L")[-2:], label[-2:])
    savemat(path, {"L": np.zeros((5001, 8000), dtype=np.uint8)}, do_compression=compress)
    with little_time_and_memory():
        assert "label.mat (8000x5001, more than 40 megapixels)" in refusal(path, "L")


def test_what_follows_the_label_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "label.mat"
    savemat(path, {"L": np.eye(3, dtype=np.uint8)}, do_compression=True)
    path.write_bytes(path.read_bytes() + variables())
    with little_time_and_memory(mebibytes=200):
        assert np.array_equal(read_matlab(path, "L"), np.eye(3))


def test_every_mutated_file_is_read_or_refused(tmp_path: Path) -> None:
    """Bytes overwritten, cut off or put in, compressed or not; scipy's reader ends the process on some."""
    label = np.random.default_rng(0).integers(0, 21, (9, 14)).astype(np.uint8)
    path = tmp_path / "label.mat"
    whole = []
    for compressed in (True, False):
        content = {"GTcls": {"Boundaries": CELL, "Segmentation": label}}
        savemat(path, content, do_compression=compressed)
        whole.append(path.read_bytes())
    outcomes = []
    for number in range(1000):
        rng = np.random.default_rng(number)
        data = bytearray(whole[number % 2])
        place = int(rng.integers(len(data)))
        if number % 5 == 0:
            del data[place:]
        elif number % 5 == 1:
            data[place:place] = rng.bytes(5)
        else:
            for _ in range(4):
                data[int(rng.integers(len(data)))] = int(rng.integers(256))
        path.write_bytes(data)
        try:
            outcomes.append(read_matlab(path, "GTcls.Segmentation").ndim)
        except FileError as error:
            assert "\n" not in f"{error.kind}{error.file}"
            outcomes.append(0)
    assert set(outcomes) == {0, 2} and 400 < outcomes.count(0) < 900
