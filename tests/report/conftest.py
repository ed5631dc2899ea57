"""A report of a small finished benchmark, rendered once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from difnet.config import read_plan
from difnet.report import render
from difnet.report.load import Results, load_results
from tests.report.page import Page
from tests.report.project import make_project, write_section


@dataclass(frozen=True)
class Rendered:
    """A project, the folder of its benchmark, and the report on it."""

    root: Path
    folder: Path
    text: str
    seconds: float
    """CPU time that rendering took."""

    @property
    def path(self) -> Path:
        """The report on all benchmarks, here one."""
        return self.folder.parent / "report.html"

    @property
    def results(self) -> Results:
        """All that the report knows of it."""
        return load_results(self.folder, read_plan(self.folder))

    @property
    def page(self) -> Page:
        """The report, parsed."""
        return Page.parse(self.text)


def rendered_in(root: Path, folder: Path) -> Rendered:
    """The report on a benchmark of a project."""
    start = time.process_time()
    render([folder], folder.parent / "report.html")
    seconds = time.process_time() - start
    text = (folder.parent / "report.html").read_text(encoding="utf-8")
    return Rendered(root, folder, text, seconds)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    root = tmp_path_factory.mktemp("project")
    folder = make_project(root)
    write_section(folder / "sections" / "deeplab")
    return rendered_in(root, folder)


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Sixty variants and sixty classes."""
    variants = {f"v{place:02d}": f"Variant number {place} with a rather long title" for place in range(60)}
    classes = tuple(f"class {place}" for place in range(60))
    root = tmp_path_factory.mktemp("crowded")
    return rendered_in(root, make_project(root, variants=variants, classes=classes, seeds=(0,)))
