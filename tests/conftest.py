"""Fixtures that several layers share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from difnet.config import Project

PROJECT = Path(__file__).resolve().parents[1]
CATALOGUE = Project(PROJECT)
"""Benchmarks and ablations of this project."""


WHOLE_FOLDERS = ("tests/workflow",)
"""Folders whose tests share one finished run."""
LONG = ("tests/workflow", "tests/report/test_browser.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file, or of one of these folders, run in one process, the longest ones first."""
    for item in items:
        name = item.nodeid.partition("::")[0]
        if name.startswith(LONG):
            item.add_marker("long")
        item.add_marker(pytest.mark.xdist_group(next(filter(name.startswith, WHOLE_FOLDERS), name)))
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 512 KiB, in memory; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
