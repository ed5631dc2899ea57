"""Fixtures that several layers share."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from difnet.config import Project

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent
CATALOGUE = Project(PROJECT)
"""Benchmarks and ablations of this project."""


LONG = (
    "tests/workflow",
    "tests/cluster",
    "tests/report/test_browser.py",
    "tests/contract/test_docs.py",
    "tests/contract/test_site.py",
    "tests/contract/test_ablations.py",
    "tests/contract/test_backbones.py",
    "tests/training/test_distributed.py",
    "tests/training/test_determinism.py",
    "tests/training/test_train_run.py",
    "tests/training/test_preemption.py",
    "tests/models/test_build.py",
    "tests/report/test_render.py",
    "tests/report/test_page.py",
    "tests/report/test_partial.py",
    "tests/cli",
    "tests/data/datasets/test_shapes.py",
    "tests/data/files/test_fuzz.py",
    "tests/data/download",
    "tests/timing",
    "tests/scripts",
)
"""What `make quick` leaves out, and `make test` begins with."""
SHARED = ("tests/workflow", "tests/cluster")
"""Folders whose tests share a finished run, or a Slurm, and so one process; elsewhere those of a file do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is long, and put it first."""
    for item in items:
        if item.nodeid.startswith(LONG):
            item.add_marker("long")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m gpu` look at tests/gpu alone: a machine for it may lack what other tests import."""
    if config.option.markexpr == "gpu" and collection_path.parent == TESTS:
        return collection_path.name != "gpu"
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Called where the tests run in several processes, which are given whole files, or folders."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folders = [folder for folder in SHARED if nodeid.startswith(folder)]
            return folders[0] if folders else nodeid.partition("::")[0]

    config.option.loadscopereorder = False
    return ByFile(config, log)


def save_weights(tensors: dict[str, Any], run: Path, **recorded: Any) -> None:
    """Write weights as a finished training leaves them: with their hash, and more, beside them."""
    from safetensors.torch import save  # imports PyTorch, which takes seconds

    content = save(tensors)
    (run / "weights.safetensors").write_bytes(content)
    record = {"weights_sha256": hashlib.sha256(content).hexdigest(), **recorded}
    (run / "environment.json").write_text(json.dumps(record), encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((path for name in names if (path := shutil.which(name))), None)
    if chromium is None:
        pytest.skip("no Chromium is installed (Debian: apt install chromium)")
    arguments = ["--disable-quic", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


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
