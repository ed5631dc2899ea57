"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from difnet.config import InputError, atomic_path, write_text


def test_failure_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "former")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "former"


def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file where a folder should be")
    with pytest.raises(InputError, match=r"results/table.csv: cannot be written: .*choose another folder"):
        write_text(tmp_path / "results" / "table.csv", "x")


def test_full_disk_is_one_line(small_disk: Path) -> None:
    path = small_disk / "table.csv"
    write_text(path, "former")
    with pytest.raises(
        InputError, match=r"table.csv: cannot be written: No space left on device; free space"
    ):
        write_text(path, "x" * 2**20)
    assert [file.name for file in small_disk.iterdir()] == ["table.csv"]
    assert path.read_text() == "former"
