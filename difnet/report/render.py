"""Folders of results in; one self-contained HTML file of each and one of all of them out."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from difnet.config import BenchmarkPlan, InputError, read_plan, write_text
from difnet.config.files import not_written
from difnet.report import across
from difnet.report.exports import formats, write_exports
from difnet.report.load import BUDGET_BYTES, Results, load_results, title_of
from difnet.report.masthead import masthead
from difnet.report.section import Section, anchor
from difnet.report.sections import all_sections
from difnet.report.sections.cite import bibtex

SCRIPTS = ("tables.js", "examples.js", "explorer.js")
"""The page's only script; its policy allows no other."""
PAGE = "report.html"
TITLE = b"<title>DifNet-Bench: "
HEAD_BYTES = 2000
"""Within which a page has its title, by which it may be replaced."""


@dataclass(frozen=True)
class Chapter:
    """One benchmark with its sections."""

    results: Results
    facts: dict[str, str]
    """Data, date, machine and code, by name."""
    sections: tuple[Section, ...]


class Link(NamedTuple):
    """A report that is there already."""

    page: Path
    title: str


def render(folders: Sequence[Path], out: Path) -> list[Path]:
    """Write the report of each folder of results, and one of all of them, from what lies in the folders.

    Their figures, of two columns and of one, and their tables are written to `figures/` and `tables/` of each
    folder too.

    Args:
        folders: Folders of results, each with its `plan.json`, in the order of the report.
        out: The HTML file with all of them as chapters.

    Returns:
        The reports: `report.html` of each folder, then `out`.

    Raises:
        InputError: If a folder has no plan of this version, or a file cannot be written or is no report.
    """
    plans = {folder: read_plan(folder) for folder in folders}
    for page in (*(folder / PAGE for folder in plans), out):
        _check_ours(page)
    chapters = []
    for folder, plan in plans.items():
        results = load_results(folder, plan, budget=BUDGET_BYTES // len(plans))
        chapters.append(Chapter(results, masthead(results), all_sections(results)))
    for chapter in chapters:
        write_exports(chapter.results.folder, chapter.sections)
        write_text(chapter.results.folder / "tables" / "references.bib", bibtex(chapter.results))
        _write_page(chapter.results.folder / PAGE, [chapter], siblings=_siblings(chapter.results, folders))
    _write_page(out, chapters, others=_others(out.parent, folders))
    return [*(folder / PAGE for folder in plans), out]


def _check_ours(page: Path) -> None:
    """Refuse to write over a file that is no report.

    Raises:
        InputError: If it is none, or cannot be read.
    """
    try:
        head = page.read_bytes()[:HEAD_BYTES] if page.exists() else TITLE
    except OSError as error:
        raise not_written(page, error) from error
    if TITLE not in head:
        raise InputError(
            f"{page}: is there already and no report of difnet; move it away or choose another --out"
        )


def _write_page(
    path: Path,
    chapters: Sequence[Chapter],
    *,
    siblings: Sequence[Link] = (),
    others: Sequence[Link] = (),
) -> None:
    benchmarks = [chapter.results for chapter in chapters]
    together = across.build(benchmarks) if len(benchmarks) > 1 else None
    provenance = benchmarks[0].folder.parent / "provenance.html"
    script = "".join(_asset(name) for name in SCRIPTS)
    page = _environment().get_template("report.html.j2")
    text = page.render(
        chapters=chapters,
        across=together,
        siblings=siblings,
        others=others,
        provenance=provenance if provenance.is_file() else None,
        link_to=lambda target: quote(Path(os.path.relpath(target, path.parent)).as_posix()),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    write_text(path, text)


def _siblings(results: Results, rendered: Sequence[Path]) -> list[Link]:
    """The reports of the same benchmark with another recipe."""
    return [
        Link(folder / PAGE, title_of(plan))
        for folder, plan in _beside(results.folder.parent, rendered).items()
        if plan and plan.benchmark == results.plan.benchmark and plan.folder != results.plan.folder
    ]


def _others(root: Path, rendered: Sequence[Path]) -> list[Link]:
    """The reports in a folder that are not among the chapters."""
    own = {folder.resolve() for folder in rendered}
    return [
        Link(folder / PAGE, title_of(plan) if plan else folder.name)
        for folder, plan in _beside(root, rendered).items()
        if folder.resolve() not in own
    ]


def _beside(root: Path, rendered: Sequence[Path]) -> dict[Path, BenchmarkPlan | None]:
    """Folders that have a report, or are given one now, with their plans; None where it cannot be read."""
    there = [page.parent for page in root.glob(f"*/{PAGE}")]
    there += [folder for folder in rendered if folder.parent == root and folder not in there]
    found: dict[Path, BenchmarkPlan | None] = {}
    for folder in sorted(there):
        try:
            found[folder] = read_plan(folder)
        except InputError:
            found[folder] = None
    return found


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("difnet.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": _asset, "anchor": anchor, "formats": formats}
    environment.filters["inline"] = lambda drawing, prefix: Markup(drawing.inline(prefix))
    return environment


def _asset(name: str) -> Markup:
    """The text of a style sheet or script of this package, which needs no escaping."""
    return Markup((Path(__file__).parent / "templates" / name).read_text(encoding="utf-8"))
