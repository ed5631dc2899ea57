"""A table of the page for a paper: LaTeX in the manner of booktabs, which pdflatex sets as it is."""

from __future__ import annotations

import re
import unicodedata

from difnet.report.page_table import Cell, PageTable

LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "_": r"\_\allowbreak{}",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "Δ": r"$\Delta$",
    "²": "$^2$",
    "–": "--",
    "…": r"\ldots{}",
    "“": "``",
    "”": "''",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
}


LONGEST = 28
"""Letters of a column of text; where there are more, its lines break."""
WIDTH = "3.2cm"
"""Of such a column."""


def latex_table(table: PageTable) -> str:
    """A `table*` as wide as both columns of a paper: chosen columns, intervals below, the best in bold."""
    shown = [place for place, column in enumerate(table.columns) if column.in_paper]
    columns = [table.columns[place] for place in shown]
    cells = [[row[place] for place in shown] for row in table.rows]
    alignment = "".join(
        "r" if column.numeric else _alignment([row[place].text for row in cells])
        for place, column in enumerate(columns)
    )
    heads = _line([_escaped(column.title) for column in columns], [column.note for column in columns])
    rows = [line for row in cells for line in _line(list(map(_text, row)), list(map(_bounds, row)))]
    caption = " ".join(filter(None, (table.caption, table.sample)))
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table*}",
            r"\centering",
            rf"\caption{{{_escaped(caption)}}}",
            rf"\label{{tab:{re.sub(r'[^A-Za-z0-9-]', '-', table.name)}}}",
            r"\footnotesize",
            r"\setlength{\tabcolsep}{3pt}",
            rf"\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            *heads,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table*}",
            "",
        ]
    )


def _alignment(texts: list[str]) -> str:
    """Of a column of text."""
    return "l" if max(map(len, texts), default=0) <= LONGEST else f"p{{{WIDTH}}}"


def _line(texts: list[str], below: list[str]) -> list[str]:
    """A row, and a second one with what stands below its cells in small type, if anything does."""
    if not any(below):
        return [" & ".join(texts) + r" \\"]
    small = [rf"{{\scriptsize {_escaped(text)}}}" if text else "" for text in below]
    return [" & ".join(texts) + r" \\[-2pt]", " & ".join(small) + r" \\[1pt]"]


def _text(cell: Cell) -> str:
    """What a cell says; a reason why it is missing at its shortest."""
    said = cell.text.partition(":")[0] if cell.mark == "missing" else cell.text
    text = rf"\textbf{{{_escaped(said)}}}" if cell.best else _escaped(said)
    # A bracket that begins a cell would be an argument of the line break before it.
    return f"{{}}{text}" if text.startswith(("[", "*")) else text


def _bounds(cell: Cell) -> str:
    """The interval below it, if it has one."""
    return next((line for line in cell.lines if line.startswith("[")), "")


def _escaped(text: str) -> str:
    """Text that pdflatex sets without further packages; a letter that it lacks loses its accent."""
    return "".join(LATEX.get(letter) or _ascii(letter) for letter in text)


def _ascii(letter: str) -> str:
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"
