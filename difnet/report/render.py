"""Results in, one HTML file out, with its tables and figures as files beside the results."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from difnet.config import write_text
from difnet.report.anchors import anchor
from difnet.report.export import write_exports
from difnet.report.figures.benchmarks import across_differences
from difnet.report.figures.plot import figure_style
from difnet.report.load import BUDGET_BYTES, EVERYTHING, Results, load_results
from difnet.report.overview import across_benchmarks
from difnet.report.records import Selection
from difnet.report.section import Section
from difnet.report.sections import all_sections

SCRIPTS = ("tables.js", "gallery.js", "explorer.js")
"""The page's only script; its policy allows no other."""


@dataclass(frozen=True)
class Chapter:
    """One benchmark with its sections."""

    results: Results
    sections: tuple[Section, ...]


def render(
    root: Path, results: Path, benchmarks: Sequence[str], out: Path, selection: Selection = EVERYTHING
) -> None:
    """Write the report on some benchmarks as one self-contained HTML file.

    Their figures and tables are written to `results/<benchmark>/figures` and `tables` too.

    Args:
        root: The project's folder, with `ablations/` and `workflow/benchmarks/`.
        results: The folder with one folder a benchmark.
        benchmarks: Names of the benchmarks, in the order of the report.
        out: The HTML file.
        selection: What replaces the ablations and seeds that the benchmarks name.

    Raises:
        InputError: If a benchmark does not exist, or a file cannot be written.
    """
    chapters = []
    for name in benchmarks:
        found = load_results(root, results, name, selection, budget=BUDGET_BYTES // len(benchmarks))
        with figure_style():
            chapters.append(Chapter(found, all_sections(found)))
    with figure_style():
        across = _across([chapter.results for chapter in chapters])
    script = "".join(_asset(name) for name in SCRIPTS)
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            chapters=chapters,
            across=across,
            provenance=Path(os.path.relpath(results / "provenance.html", out.parent)).as_posix(),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )
    write_text(out, page)
    for chapter in chapters:
        write_exports(chapter.results.folder, chapter.sections)


def _across(benchmarks: list[Results]) -> Section | None:
    """All benchmarks beside each other; None where there is one."""
    if len(benchmarks) < 2:
        return None
    table, plot = across_benchmarks(benchmarks), across_differences(benchmarks)
    return Section(
        key="benchmarks",
        title="All benchmarks",
        plots={plot.name: plot} if plot else {},
        tables={table.name: table},
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("difnet.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": _asset, "anchor": anchor}
    environment.filters["inline"] = lambda plot, prefix: Markup(plot.inline(prefix))
    return environment


def _asset(name: str) -> Markup:
    """The text of a style sheet or script of this package, which needs no escaping."""
    return Markup((Path(__file__).parent / "templates" / name).read_text(encoding="utf-8"))
