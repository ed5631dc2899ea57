"""Tables and figures of a report as files: for papers, and for whoever works on with the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from difnet.config import atomic_path, write_text
from difnet.report.latex_table import latex_table
from difnet.report.page_table import PageTable
from difnet.report.section import Section

SUFFIXES = {"Markdown": "md", "LaTeX": "tex", "CSV": "csv"}


def formats(table: PageTable) -> dict[str, str]:
    """A table as text, by the name of the format."""
    return {"Markdown": table.to_markdown(), "LaTeX": latex_table(table), "CSV": table.to_csv()}


def write_exports(folder: Path, sections: Sequence[Section]) -> None:
    """Write `figures/*.{svg,pdf}` and `tables/*.{csv,md,tex}` under the folder of a benchmark.

    A figure is as wide as both columns of a paper; the one that ends in `-column` is as wide as one.

    Raises:
        InputError: If they cannot be written.
    """
    for section in sections:
        for plot in section.plots:
            for name, drawing in ((plot.name, plot.wide), (f"{plot.name}-column", plot.narrow)):
                write_text(folder / "figures" / f"{name}.svg", drawing.svg)
                with atomic_path(folder / "figures" / f"{name}.pdf") as path:
                    drawing.save_pdf(path)
        for table in section.tables:
            for name, text in formats(table).items():
                write_text(folder / "tables" / f"{table.name}.{SUFFIXES[name]}", text)
