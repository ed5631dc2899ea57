"""Fixtures that several layers share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project: a folder with `ablations/` and `workflow/benchmarks/`."""
    (tmp_path / "ablations").mkdir()
    (tmp_path / "workflow" / "benchmarks").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def write(project: Path) -> Callable[[str, str], Path]:
    """Writes a file of the project."""

    def write_file(name: str, text: str) -> Path:
        path = project / name
        path.write_text(text)
        return path

    return write_file
