"""A report of a small finished benchmark, rendered once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from difnet.report import render
from tests.report.page import Page
from tests.report.project import make_project


@dataclass(frozen=True)
class Rendered:
    """A project, its results and its report."""

    root: Path
    results: Path
    text: str

    @property
    def page(self) -> Page:
        """The report, parsed."""
        return Page.parse(self.text)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    root = tmp_path_factory.mktemp("project")
    results = make_project(root)
    render(root, results, ["toy"], results / "report.html")
    return Rendered(root, results, (results / "report.html").read_text(encoding="utf-8"))
