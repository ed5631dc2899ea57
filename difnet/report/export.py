"""Figures and tables as files, for papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from difnet.config import atomic_path, write_text
from difnet.report.section import Section


def write_exports(folder: Path, sections: Sequence[Section]) -> None:
    """Write `figures/*.{svg,pdf}` and `tables/*.{csv,md,tex}` under the folder of a benchmark.

    Raises:
        InputError: If they cannot be written.
    """
    for section in sections:
        for plot in section.plots.values():
            write_text(folder / "figures" / f"{plot.name}.svg", plot.svg)
            with atomic_path(folder / "figures" / f"{plot.name}.pdf") as path:
                plot.save_pdf(path)
        for table in section.tables.values():
            write_text(folder / "tables" / f"{table.name}.csv", table.to_csv())
            write_text(folder / "tables" / f"{table.name}.md", table.to_markdown())
            write_text(folder / "tables" / f"{table.name}.tex", table.to_latex())
