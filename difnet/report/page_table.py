"""A table of the page as data: rendered as HTML by the templates, as CSV and Markdown here."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from difnet.report.numbers import MISSING


@dataclass(frozen=True)
class Cell:
    """One cell: what it says, the number behind it, and what stands below it, line by line, in small type."""

    text: str
    value: float = math.nan
    detail: str = ""
    mark: str = ""
    """A class of the style sheet: higher, lower, undecided, missing, code, reference."""
    best: bool = False
    """Whether it is the best of its column, which is set in bold."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """Further numbers of the cell by name, such as the ends of its interval, for files."""
    link: str = ""
    heat: float | None = None
    """Background strength in [0, 1], for heat maps."""

    @property
    def lines(self) -> list[str]:
        """The lines of the small type."""
        return self.detail.splitlines()

    @property
    def one_line(self) -> str:
        """The small type without line breaks."""
        return "; ".join(self.lines)

    @property
    def number(self) -> str:
        """The number with all its digits."""
        return _digits(self.value)

    @property
    def sort_key(self) -> str:
        """The number, or the text; empty where there is nothing to sort by."""
        return self.number or ("" if self.mark == "missing" else self.text)

    @property
    def status(self) -> str:
        """Why there is no number, in a column of numbers."""
        return "" if self.number or self.text == MISSING else self.text


@dataclass(frozen=True)
class Column:
    """The head of a column."""

    title: str
    note: str = ""
    """What the column holds, shown in small type."""
    numeric: bool = True
    in_paper: bool = True
    """Whether a table for a paper has it."""

    @property
    def heading(self) -> str:
        """Title and note on one line."""
        return f"{self.title} ({self.note})" if self.note else self.title


@dataclass(frozen=True)
class PageTable:
    """Cells in rows; the first cell of a row is its heading."""

    name: str
    """Its anchor, and its file name in `results/<folder>/tables/`."""
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    tags: tuple[tuple[str, ...], ...] = ()
    """Tags of every row, where rows can be filtered."""
    sample: str = ""
    """What the numbers are over, for the caption in a paper."""

    def to_csv(self) -> str:
        """All digits; a column of numbers holds nothing else: further numbers and reasons have their own."""
        columns: list[list[str]] = []
        for place, column in enumerate(self.columns):
            cells = [row[place] for row in self.rows]
            if not column.numeric:
                columns.append([column.heading, *(cell.text for cell in cells)])
                if any(cell.detail for cell in cells):
                    columns.append([f"{column.title} (detail)", *(cell.one_line for cell in cells)])
                continue
            columns.append([column.heading, *(cell.number for cell in cells)])
            for name in dict.fromkeys(name for cell in cells for name in cell.numbers):
                values = (_digits(cell.numbers.get(name, math.nan)) for cell in cells)
                columns.append([f"{column.title} {name}", *values])
            if any(cell.status for cell in cells):
                columns.append([f"{column.title} (status)", *(cell.status for cell in cells)])
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(zip(*columns, strict=True))
        return stream.getvalue()

    def to_markdown(self) -> str:
        """A pipe table."""
        lines = [
            [column.heading for column in self.columns],
            ["---:" if column.numeric else "---" for column in self.columns],
            *([f"{cell.text} {cell.one_line}".strip() for cell in row] for row in self.rows),
        ]
        escaped = [[text.replace("|", "\\|") for text in line] for line in lines]
        return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def missing(reason: str = "not run") -> Cell:
    """A cell for a number that does not exist, with the reason."""
    return Cell(text=reason or MISSING, mark="missing")


def _digits(value: float) -> str:
    """A number with all its digits, a whole one without a point; empty where there is none."""
    if not math.isfinite(value):
        return ""
    return f"{value:.0f}" if float(value).is_integer() else repr(float(value))
