"""Results in, one HTML file out, with its tables and figures as files beside the results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from difnet.config import write_text
from difnet.report.anchors import anchor
from difnet.report.export import write_exports
from difnet.report.figures.plot import figure_style
from difnet.report.load import Results, load_results
from difnet.report.overview import across_benchmarks
from difnet.report.section import Section
from difnet.report.sections import SECTIONS


@dataclass(frozen=True)
class Chapter:
    """One benchmark with its sections."""

    results: Results
    sections: tuple[Section, ...]


def render(root: Path, results: Path, benchmarks: Sequence[str], out: Path) -> None:
    """Write the report on some benchmarks as one self-contained HTML file.

    Their figures and tables are written to `results/<benchmark>/figures` and `tables` too.

    Args:
        root: The project's folder, with `ablations/` and `workflow/benchmarks/`.
        results: The folder with one folder a benchmark.
        benchmarks: Names of the benchmarks, in the order of the report.
        out: The HTML file.

    Raises:
        InputError: If a benchmark does not exist, or a file cannot be written.
    """
    chapters = []
    for name in benchmarks:
        found = load_results(root, results, name)
        with figure_style():
            chapters.append(Chapter(found, tuple(build(found) for build in SECTIONS)))
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            chapters=chapters,
            across=across_benchmarks([chapter.results for chapter in chapters])
            if len(chapters) > 1
            else None,
            provenance=Path(os.path.relpath(results / "provenance.html", out.parent)).as_posix(),
        )
    )
    write_text(out, page)
    for chapter in chapters:
        write_exports(chapter.results.folder, chapter.sections)


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
