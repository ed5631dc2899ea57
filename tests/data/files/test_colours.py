"""Lists of classes: what is accepted gives exactly the names written, any other notation is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from difnet.config import InputError
from difnet.data.files.colours import COLUMNS, parse_classes
from difnet.data.files.tree import read_lines

PATH = Path("classes.txt")
WORD = st.from_regex(r"[a-zäß植][a-zäß植0-9.()'-]{0,6}", fullmatch=True)
NAMES = st.lists(
    st.lists(WORD, min_size=1, max_size=3)
    .map(" ".join)
    .filter(lambda name: not {"void", *COLUMNS} & set(re.split("[ .-]", name))),
    min_size=2,
    max_size=6,
    unique=True,
)
COLOURS = st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=6, max_size=6, unique=True)

NOTATIONS: dict[str, Callable[[str, tuple[int, int, int]], str]] = {
    "comment": lambda name, _: f"# {name}",
    "comment after": lambda name, _: f"{name} # a class",
    "CVAT": lambda name, colour: f"{name}:{','.join(map(str, colour))}::",
    "CVAT without colour": lambda name, _: f"{name}:::",
    "colour first": lambda name, colour: f"{' '.join(map(str, colour))} {name}",
    "index first": lambda name, _: f"3 {name}",
    "index first, with colour": lambda name, colour: f"3 {name} {' '.join(map(str, colour))}",
    "index after": lambda name, _: f"{name} 3",
    "index and colon": lambda name, _: f"3: {name}",
    "alpha": lambda name, colour: f"{name} {' '.join(map(str, colour))} 255",
    "colour with commas": lambda name, colour: f"{name},{','.join(map(str, colour))}",
    "colour with commas and spaces": lambda name, colour: f"{name} {', '.join(map(str, colour))}",
    "colour in hexadecimal": lambda name, colour: f"{name} #{bytes(colour).hex()}",
    "colour as shares": lambda name, _: f"{name} 0.1 0.5 0.9",
    "two numbers": lambda name, _: f"{name} 12 34",
    "ignored by labelme": lambda name, _: f"__{name}__",
    "quotes": lambda name, _: f'"{name}"',
    "YAML list": lambda name, _: f"- {name}",
    "JSON": lambda name, _: f'{{"{name}": 1}}',
    "assignment": lambda name, _: f"{name}=1",
    "table": lambda name, _: f"{name}\tthing",
    "a number alone": lambda *_: "21",
}
HEADINGS = ["name", "Class Name", "label", "classes", "class_names", "name r g b", "R G B name", "id name"]


def written(names: list[str], colours: list[tuple[int, int, int]] | None) -> list[str]:
    if colours is None:
        return names
    return [f"{name} {' '.join(map(str, colour))}" for name, colour in zip(names, colours, strict=False)]


@given(names=NAMES, colours=st.none() | COLOURS)
def test_plain_lists(names: list[str], colours: list[tuple[int, int, int]] | None) -> None:
    found, code = parse_classes(PATH, written(names, colours))
    assert found == names
    expected = None if colours is None else {c: place for place, c in enumerate(colours[: len(names)])}
    assert (code.values if code else None) == expected


@pytest.mark.parametrize("notation", NOTATIONS)
@settings(max_examples=30)
@given(names=NAMES, colours=COLOURS, with_colours=st.booleans(), place=st.integers(0, 5))
def test_a_line_in_another_notation(
    notation: str, names: list[str], colours: list[tuple[int, int, int]], with_colours: bool, place: int
) -> None:
    lines = written(names, colours if with_colours else None)
    place %= len(names)
    lines[place] = NOTATIONS[notation](names[place], colours[-1])
    with pytest.raises(InputError, match="is neither NAME nor 'NAME R G B'; write one class a line") as error:
        parse_classes(PATH, lines)
    assert repr(lines[place])[1:-1] in str(error.value) or lines[place] in str(error.value)


@pytest.mark.parametrize("heading", HEADINGS)
@given(names=NAMES, colours=st.none() | COLOURS)
def test_a_heading(heading: str, names: list[str], colours: list[tuple[int, int, int]] | None) -> None:
    with pytest.raises(InputError, match="with no heading"):
        parse_classes(PATH, [heading, *written(names, colours)])


@settings(max_examples=500)
@given(lines=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), min_size=2, max_size=5))
def test_any_text(lines: list[str]) -> None:
    """As a file: no line is left out, added or changed, and no name holds what separates fields."""
    lines = [line.strip() for line in lines if line.strip()]
    try:
        names, code = parse_classes(PATH, lines)
    except InputError as error:
        assert "\n" not in str(error).replace("\n".join(lines), "") or any("\n" in line for line in lines)
        return
    assert code is not None or names == lines
    assert not any(re.search(r"[:,;#\"={}\[\]<>|\t]|^[^\w]|^__", name) for name in names)


def test_real_files_of_other_programs(tmp_path: Path) -> None:
    """The label map of CVAT, the list of labelme and CamVid's two tables of colours."""
    for text in (
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nleaf:0,160,0::\n",
        "background:0,0,0::\nleaf:0,160,0::\n",
        "__ignore__\n_background_\nleaf\n",
        "name,r,g,b\nAnimal,64,128,64\nArchway,192,0,128\n",
        "64 128 64\tAnimal\n192 0 128\tArchway\n",
    ):
        (tmp_path / "classes.txt").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="is neither NAME nor 'NAME R G B'"):
            parse_classes(PATH, read_lines(tmp_path / "classes.txt"))
