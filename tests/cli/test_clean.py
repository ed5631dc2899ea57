"""`difnet clean` lists what was replaced, and removes it when told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_list import difnet


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name, size in (("replaced/cascade/seed0/0123", 1_500_000), ("runs/cascade/seed0", 10)):
        folder = tmp_path / "results" / "tiny" / name
        folder.mkdir(parents=True)
        (folder / "weights.safetensors").write_bytes(bytes(size))
    return tmp_path / "results" / "tiny"


def test_lists_with_sizes_and_leaves_everything(results: Path) -> None:
    listed = difnet("clean", str(results))
    assert "1.5 MB" in listed.splitlines()[0]
    assert listed.splitlines()[0].endswith("replaced/cascade/seed0/0123")
    assert listed.splitlines()[-1] == "1 runs, 1.5 MB"
    assert (results / "replaced/cascade/seed0/0123/weights.safetensors").exists()


def test_removes_what_it_listed_and_nothing_else(results: Path) -> None:
    assert difnet("clean", str(results), "--remove").splitlines()[-1] == "1 runs, 1.5 MB removed"
    left = [path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()]
    assert left == ["runs/cascade/seed0/weights.safetensors"]
    assert difnet("clean", str(results)) == "no replaced runs\n"
