"""Sections that an ablation's own rules have written: `results/<benchmark>/sections/<NAME>/`."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from markupsafe import Markup
from PIL import Image

from difnet.report.load import Results
from difnet.report.numbers import significant
from difnet.report.page_table import Cell, Column, PageTable, missing
from difnet.report.section import Section

NO_NUMBER = {"", "nan", "na", "none", "-", "–"}
"""What stands in a column of numbers where there is none."""
VOID_ELEMENTS = {"area", "br", "col", "hr", "img", "input", "source", "track", "wbr"}


@dataclass(frozen=True)
class Item:
    """What one file has become: one of these, or a remark."""

    table: PageTable | None = None
    image: str = ""
    alt: str = ""
    fragment: Markup | None = None
    remark: str = ""


def build(results: Results) -> list[Section]:
    """One section a folder of the ablations shown, in the order of their names."""
    folders = sorted((results.folder / "sections").glob("*"))
    return [
        _section(folder) for folder in folders if folder.is_dir() and folder.name in results.plan.ablations
    ]


def _section(folder: Path) -> Section:
    title, paragraphs, remark = _caption(folder)
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in READERS)
    items = [Item(remark=remark)] if remark else []
    items += [_item(path, title) for path in files]
    return Section(
        key=f"section-{folder.name}",
        template="custom",
        title=title,
        content={"paragraphs": paragraphs, "items": items},
        tables=[item.table for item in items if item.table],
    )


def _caption(folder: Path) -> tuple[str, list[str], str]:
    """Title, paragraphs, and what is wrong with `caption.md`, if anything."""
    path = folder / "caption.md"
    if not path.is_file():
        return folder.name, [], ""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        return folder.name, [], f"{folder.name}/caption.md cannot be read: {error}"
    heading = next((line for line in lines if line.startswith("# ") and line[2:].strip()), "")
    text = "\n".join(line for line in lines if line is not heading)
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return heading[2:].strip() or folder.name, [part for part in paragraphs if part], ""


def _item(path: Path, title: str) -> Item:
    """A file as a part of the page; a file that cannot be used becomes a line that says so."""
    try:
        return READERS[path.suffix.lower()](path, title)
    except (OSError, ValueError, ElementTree.ParseError, csv.Error) as error:
        reason = " ".join(str(error).split()) or "it is damaged"
        return Item(remark=f"{path.parent.name}/{path.name} cannot be shown: {reason}")


def _table(path: Path, title: str) -> Item:
    """A CSV file; a column whose cells are numbers, or say that there is none, is numeric."""
    rows = [row for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))) if row]
    if len(rows) < 2:
        raise ValueError("it has no rows")
    if uneven := next((place for place, row in enumerate(rows, 1) if len(row) != len(rows[0])), None):
        raise ValueError(f"row {uneven} has {len(rows[uneven - 1])} cells, not {len(rows[0])}")
    values = [[_number(text) for text in row] for row in rows[1:]]
    numeric = [
        all(
            math.isfinite(row[place]) or text[place].lower() in NO_NUMBER
            for row, text in zip(values, rows[1:], strict=True)
        )
        for place in range(len(rows[0]))
    ]
    table = PageTable(
        name=f"{path.parent.name}-{path.stem}",
        caption=f"{title}: {path.stem.replace('_', ' ')}",
        columns=tuple(Column(head, numeric=number) for head, number in zip(rows[0], numeric, strict=True)),
        rows=tuple(
            tuple(
                Cell(text)
                if not number
                else Cell(_rounded(text, value), value=value)
                if math.isfinite(value)
                else missing("–")
                for text, value, number in zip(texts, numbers, numeric, strict=True)
            )
            for texts, numbers in zip(rows[1:], values, strict=True)
        ),
    )
    return Item(table=table)


def _rounded(text: str, value: float) -> str:
    """A number of many digits to four; one that was written with few is left as it is."""
    shown = significant(value, 4)
    return shown if len(shown) < len(text) else text


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _png(path: Path, title: str) -> Item:
    with Image.open(path) as picture:
        picture.verify()
    return _image(path, title, "image/png")


def _svg(path: Path, title: str) -> Item:
    """As an image, in which no script runs and nothing is loaded."""
    if not ElementTree.parse(path).getroot().tag.endswith("svg"):
        raise ValueError("its root is not <svg>")
    return _image(path, title, "image/svg+xml")


def _image(path: Path, title: str, kind: str) -> Item:
    content = base64.b64encode(path.read_bytes()).decode()
    return Item(image=f"data:{kind};base64,{content}", alt=f"{title}: {path.stem.replace('_', ' ')}")


def _fragment(path: Path, title: str) -> Item:
    """HTML as it is; its scripts do not run, since the page's policy allows none but its own."""
    text = path.read_text(encoding="utf-8")
    _Balance().check(text)
    return Item(fragment=Markup(text))


class _Balance(HTMLParser):
    """Checks that every tag is closed in turn, so that a fragment ends where its section ends."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def check(self, text: str) -> None:
        """Raise ValueError for the first tag that is closed out of turn or never."""
        self.feed(text)
        self.close()
        if self.open:
            raise ValueError(f"<{self.open[-1]}> is never closed")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise ValueError(f"</{tag}> closes nothing that is open")


READERS: dict[str, Callable[[Path, str], Item]] = {
    ".csv": _table,
    ".png": _png,
    ".svg": _svg,
    ".html": _fragment,
}
