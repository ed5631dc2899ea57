"""Where a store may go: preparing never removes or mingles with files that are not its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from difnet.config import DataConfig, InputError
from difnet.data import prepare

SMALL = DataConfig(name="shapes", options={"train": 3, "val": 2, "test": 1, "size": 32})


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def foreign_index(place: Path) -> None:
    (place / "index.json").write_text('{"pages": 3}', encoding="utf-8")


def foreign_pixels(place: Path) -> None:
    (place / "prepared-2024").mkdir()
    (place / "prepared-2024" / "thesis.tex").write_text("x", encoding="utf-8")


def foreign_pixels_of_that_name(place: Path) -> None:
    (place / "prepared-0123456789abcdef").mkdir()
    (place / "prepared-0123456789abcdef" / "thesis.tex").write_text("x", encoding="utf-8")


def home(place: Path) -> None:
    (place / ".bashrc").write_text("x", encoding="utf-8")
    (place / ".ssh").mkdir()


def foreign_partial(place: Path) -> None:
    (place / ".partial").mkdir()
    (place / ".partial" / "thesis.tex").write_text("x", encoding="utf-8")


def notes(place: Path) -> None:
    (place / ".lock").touch()
    (place / "notes.txt").write_text("x", encoding="utf-8")


def pipe(place: Path) -> None:
    os.mkfifo(place / "index.json")


@pytest.mark.parametrize(
    "fill", [foreign_index, foreign_pixels, foreign_pixels_of_that_name, foreign_partial, home, notes, pipe]
)
def test_a_folder_of_other_files_is_refused_and_stays(tmp_path: Path, fill: Callable[[Path], None]) -> None:
    fill(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"holds '[\w.-]+' and no prepared data; choose a new or empty"):
        prepare(SMALL, tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("place", [".", "images", "labels/store"])
def test_the_folder_of_the_data_set_is_refused(own: Path, place: str) -> None:
    foreign_index(own)
    before = contents(own)
    with pytest.raises(InputError, match="choose a"):
        prepare(DataConfig(name="folder", options={"root": str(own)}), own / place)
    assert contents(own) == before


def test_a_link_into_the_folder_of_the_data_set(own: Path, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(own / "images")
    with pytest.raises(InputError, match=r"way/store: lies in .*own/images, which the data set is read from"):
        prepare(DataConfig(name="folder", options={"root": str(own)}), tmp_path / "way" / "store")
    assert not (own / "images" / "store").exists()


def test_a_store_is_replaced_and_what_lies_beside_it_stays(tmp_path: Path) -> None:
    first = prepare(SMALL, tmp_path)
    notes(tmp_path)
    foreign_pixels(tmp_path)
    changed = prepare(SMALL.model_copy(update={"size": (16, 16)}), tmp_path)
    assert changed.sha256 != first.sha256
    assert (tmp_path / "notes.txt").exists() and (tmp_path / "prepared-2024" / "thesis.tex").exists()
    assert not (tmp_path / f"prepared-{first.sha256[:16]}").exists()


@pytest.mark.parametrize("beside", [".DS_Store", "lost+found", "notes.txt"])
def test_a_store_without_its_index_is_prepared_again(tmp_path: Path, beside: str) -> None:
    """Snakemake removes the index, its output, before it prepares again."""
    first = prepare(SMALL, tmp_path)
    (tmp_path / "index.json").unlink()
    (tmp_path / beside).write_text("x", encoding="utf-8")
    assert prepare(SMALL, tmp_path) == first
    assert (tmp_path / beside).read_text(encoding="utf-8") == "x"


@pytest.mark.parametrize("index", [None, "{"])
def test_a_copy_without_hidden_files(tmp_path: Path, index: str | None) -> None:
    first = prepare(SMALL, tmp_path)
    (tmp_path / ".lock").unlink()
    (tmp_path / "index.json").unlink()
    if index is not None:
        (tmp_path / "index.json").write_text(index, encoding="utf-8")
    assert prepare(SMALL, tmp_path) == first


def test_a_folder_with_what_file_managers_leave_is_as_good_as_empty(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    (tmp_path / "lost+found").mkdir()
    assert len(prepare(SMALL, tmp_path).splits["train"].names) == 3


@pytest.mark.parametrize("damage", ["", "{", '{"name": "shapes"}', None])
def test_a_damaged_store_is_prepared_again(tmp_path: Path, damage: str | None) -> None:
    first = prepare(SMALL, tmp_path)
    (tmp_path / "index.json").unlink()
    if damage is not None:
        (tmp_path / "index.json").write_text(damage, encoding="utf-8")
    (tmp_path / ".partial").mkdir()
    assert prepare(SMALL, tmp_path) == first


def test_an_index_that_is_a_pipe_is_replaced(tmp_path: Path) -> None:
    first = prepare(SMALL, tmp_path)
    (tmp_path / "index.json").unlink()
    pipe(tmp_path)
    assert prepare(SMALL, tmp_path) == first


def test_a_link_to_itself_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=r"loop: cannot be written: .*; choose another folder"):
        prepare(SMALL, tmp_path / "loop")
