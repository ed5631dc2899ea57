"""A table as data: rendered as HTML by the templates, as CSV, Markdown and LaTeX here."""

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
    def sort_key(self) -> str:
        """Full precision for numbers, the text otherwise; empty where there is nothing to sort by."""
        if math.isfinite(self.value):
            return repr(float(self.value))
        return "" if self.mark == "missing" else self.text


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
class Table:
    """Cells in rows; the first cell of a row is its heading."""

    name: str
    """Its anchor, and its file name in `results/<benchmark>/tables/`."""
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    tags: tuple[tuple[str, ...], ...] = ()
    """Tags of every row, where rows can be filtered."""

    def to_csv(self) -> str:
        """Full precision; small type in a column of its own."""
        detailed = [any(row[place].detail for row in self.rows) for place in range(len(self.columns))]
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        heads = [[column.heading, f"{column.title} (detail)"] for column in self.columns]
        writer.writerow(
            [text for pair, both in zip(heads, detailed, strict=True) for text in pair[: 1 + both]]
        )
        for row in self.rows:
            cells = [[cell.sort_key or cell.text, cell.one_line] for cell in row]
            writer.writerow(
                [text for pair, both in zip(cells, detailed, strict=True) for text in pair[: 1 + both]]
            )
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
