"""A table of the page for a paper: LaTeX in the manner of booktabs, which pdflatex sets as it is."""

from __future__ import annotations

import re
import unicodedata

from difnet.report.page_table import Cell, PageTable

LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
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


def latex_table(table: PageTable) -> str:
    """A `table` with its caption: the columns for a paper, intervals small, the best in bold."""
    shown = [place for place, column in enumerate(table.columns) if column.in_paper]
    alignment = "".join("r" if table.columns[place].numeric else "l" for place in shown)
    rows = [[_escaped(table.columns[place].heading) for place in shown]]
    rows += [[_cell(row[place]) for place in shown] for row in table.rows]
    head, *body = (" & ".join(row) + r" \\" for row in rows)
    caption = " ".join(filter(None, (table.caption, table.sample)))
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table*}",
            r"\centering",
            rf"\caption{{{_escaped(caption)}}}",
            rf"\label{{tab:{re.sub(r'[^A-Za-z0-9-]', '-', table.name)}}}",
            r"\footnotesize",
            rf"\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table*}",
            "",
        ]
    )


def _cell(cell: Cell) -> str:
    text = rf"\textbf{{{_escaped(cell.text)}}}" if cell.best else _escaped(cell.text)
    bounds = next((line for line in cell.lines if line.startswith("[")), "")
    if bounds:
        return rf"{text} {{\scriptsize {_escaped(bounds)}}}"
    # A bracket that begins a cell would be an argument of the line break before it.
    return f"{{}}{text}" if text.startswith(("[", "*")) else text


def _escaped(text: str) -> str:
    """Text that pdflatex sets without further packages; a letter that it lacks loses its accent."""
    return "".join(LATEX.get(letter) or _ascii(letter) for letter in text)


def _ascii(letter: str) -> str:
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"
