"""A user's `groups.txt`: what it says reaches the index, and what cannot be right is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from difnet.config import DataConfig
from difnet.data import prepare
from tests.data.trees import problem, write_lines

ALL = {f"plant{number}": "pot" if number in (3, 7) else f"bed{number // 5}" for number in range(10)}


def config(root: Path) -> DataConfig:
    return DataConfig(name="folder", options={"root": str(root)})


def write_groups(root: Path, groups: dict[str, str], *lines: str) -> None:
    write_lines(root / "groups.txt", *(f"{name} {group}" for name, group in groups.items()), *lines)


def test_groups_in_the_order_of_the_list(own: Path, tmp_path: Path) -> None:
    without = prepare(config(own), tmp_path / "store")
    assert without.splits["val"].groups == ("", "")
    write_lines(own / "val.txt", "plant7", "plant3")
    write_groups(own, ALL)
    index = prepare(config(own), tmp_path / "store")
    assert index.splits["val"].names == ("plant7", "plant3") and index.splits["val"].groups == ("pot", "pot")
    assert index.splits["train"].groups == ("bed0",) * 4 + ("bed1",) * 4


def test_names_with_spaces_and_tabs(own: Path, tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (own / part / "plant0.png").rename(own / part / "my plant.png")
    others = {name: group for name, group in ALL.items() if name != "plant0"}
    write_groups(own, others, "my plant\tbed0")
    assert prepare(config(own), tmp_path / "store").splits["train"].groups[0] == "bed0"


@pytest.mark.parametrize(
    ("groups", "lines", "message"),
    [
        (ALL, ["plant77 pot"], "no image of this name (names have no suffix); correct or remove it: plant77"),
        ({"plant3": "pot", **dict.fromkeys(list(ALL)[4:], "bed")}, [], "image without a group; add a line, "),
        (ALL, ["plant3 pot"], "image in two lines; keep one: plant3"),
        (ALL, ["pot"], "line with one word; write 'NAME GROUP': pot"),
        ({**ALL, "plant7": "bed0"}, [], "group in two splits; keep all its images in one: bed0 (train, val)"),
        (dict.fromkeys(ALL, "pot"), [], "group in two splits; keep all its images in one: pot (train, val)"),
    ],
    ids=["unknown name", "missing names", "name twice", "one word", "in two splits", "one group alone"],
)
def test_one_line(own: Path, tmp_path: Path, groups: dict[str, str], lines: list[str], message: str) -> None:
    write_groups(own, groups, *lines)
    text = problem(config(own), tmp_path / "store")
    assert text.startswith(f"{own}/groups.txt: ") and message in text
    assert ("plant0, plant1, plant2" in text) == ("without a group" in message)


def test_a_list_that_cannot_be_read_is_not_as_if_there_were_none(own: Path, tmp_path: Path) -> None:
    (own / "groups.txt").symlink_to(own / "nowhere")
    assert "groups.txt: cannot be read: No such file" in problem(config(own), tmp_path / "store")
