"""Reading labels in MATLAB files, against what scipy writes and reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from scipy.sparse import csc_matrix

from difnet.data import FileError
from difnet.data.matlab import read_matlab

CELL = np.empty((3, 1), dtype=object)
CELL[:, 0] = [csc_matrix(np.eye(4)), "text", np.arange(5.0)]


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
    monkeypatch.setattr("difnet.data.matlab.LONGEST", 80_000)
    assert "ends early" in refusal(path, "L")


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
