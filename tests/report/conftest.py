"""A report of a small finished benchmark, rendered once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from difnet.report import render
from tests.report.page import Page
from tests.report.project import make_project, write_section


@dataclass(frozen=True)
class Rendered:
    """A project, its results and its report."""

    root: Path
    results: Path
    text: str
    seconds: float
    """CPU time that rendering took."""

    @property
    def page(self) -> Page:
        """The report, parsed."""
        return Page.parse(self.text)


def rendered_in(root: Path, results: Path) -> Rendered:
    """The report on `toy` in a project."""
    start = time.process_time()
    render(root, results, ["toy"], results / "report.html")
    seconds = time.process_time() - start
    return Rendered(root, results, (results / "report.html").read_text(encoding="utf-8"), seconds)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    root = tmp_path_factory.mktemp("project")
    results = make_project(root)
    write_section(results / "toy" / "sections" / "deeplab")
    return rendered_in(root, results)


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Sixty variants and sixty classes."""
    variants = {f"v{place:02d}": f"Variant number {place} with a rather long title" for place in range(60)}
    classes = tuple(f"class {place}" for place in range(60))
    root = tmp_path_factory.mktemp("crowded")
    return rendered_in(root, make_project(root, variants=variants, classes=classes, seeds=(0,)))
