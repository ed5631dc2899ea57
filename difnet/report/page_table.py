"""A table of the page as data: rendered as HTML by the templates, as CSV, Markdown and LaTeX here."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass

from difnet.report.numbers import MISSING


@dataclass(frozen=True)
class Cell:
    """One cell: what it says, the number behind it, and what stands below it, line by line, in small type."""

    text: str
    value: float = math.nan
    detail: str = ""
    mark: str = ""
    """A class of the style sheet: higher, lower, undecided, missing, code, reference."""
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
        """The number with all its digits, a whole one without a point; empty where there is none."""
        if not math.isfinite(self.value):
            return ""
        return f"{self.value:.0f}" if float(self.value).is_integer() else repr(float(self.value))

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

    @property
    def formats(self) -> dict[str, str]:
        """The table as text, by the name of the format."""
        return {"Markdown": self.to_markdown(), "LaTeX": self.to_latex(), "CSV": self.to_csv()}

    def to_csv(self) -> str:
        """All digits; a column of numbers holds nothing else: reasons and small type have their own."""
        columns: list[list[str]] = []
        for place, column in enumerate(self.columns):
            cells = [row[place] for row in self.rows]
            columns.append(
                [column.heading, *(cell.number if column.numeric else cell.text for cell in cells)]
            )
            if column.numeric and any(cell.status for cell in cells):
                columns.append([f"{column.title} (status)", *(cell.status for cell in cells)])
            if any(cell.detail for cell in cells):
                columns.append([f"{column.title} (detail)", *(cell.one_line for cell in cells)])
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

    def to_latex(self) -> str:
        """A booktabs `tabular`."""
        alignment = "".join("r" if column.numeric else "l" for column in self.columns)
        lines = [" & ".join(_latex(column.heading) for column in self.columns) + r" \\", r"\midrule"]
        lines += [
            " & ".join(_latex(f"{cell.text} {cell.one_line}".strip()) for cell in row) + r" \\"
            for row in self.rows
        ]
        return "\n".join(
            [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", *lines, r"\bottomrule", r"\end{tabular}", ""]
        )


def missing(reason: str = "not run") -> Cell:
    """A cell for a number that does not exist, with the reason."""
    return Cell(text=reason or MISSING, mark="missing")


LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "Δ": r"$\Delta$",
    "–": "--",
    "<": "$<$",
    ">": "$>$",
}


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)
