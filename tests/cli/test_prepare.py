"""`difnet prepare`: which data a name stands for, and how a missing data set is to be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from difnet.cli import data
from difnet.config import DataConfig, InputError
from tests.cli.test_main import difnet

BENCHMARK = """
title: Few shapes
description: For a test.
data: {name: shapes, options: {train: 3, val: 2, test: 1, size: 32}}
model: {name: difnet-nano}
"""


@pytest.fixture
def _inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("DIFNET_DATA", str(project / "files"))


@pytest.mark.usefixtures("_inside")
def test_a_benchmark_comes_before_a_data_set(write: Callable[[str, str], Path]) -> None:
    assert data._config("shapes", None) == DataConfig(name="shapes")
    write("workflow/benchmarks/shapes.yaml", BENCHMARK)
    assert data._config("shapes", None).options["train"] == 3
    write("workflow/benchmarks/shapes.yaml", "title: 3\n")
    with pytest.raises(InputError, match=r"shapes\.yaml"):
        data._config("shapes", None)
    with pytest.raises(InputError, match="unknown benchmark 'shapse'"):
        data._config("shapse", None)
    assert data._config("folder", Path("x")) == DataConfig(name="folder", options={"root": "x"})


@pytest.mark.usefixtures("_inside")
@pytest.mark.parametrize(
    ("name", "options", "parts"),
    [
        ("voc2012", [], ["VOCdevkit/VOC2012 not found", "run 'difnet prepare voc2012 --download' (1.9 GiB"]),
        ("ade20k", [], ["ADEChallengeData2016 not found", "run 'difnet prepare ade20k --download'"]),
        ("camvid", ["--download"], ["CamVid not found"]),
    ],
)
def test_a_missing_data_set_is_one_line_with_the_way_to_it(
    project: Path, name: str, options: list[str], parts: list[str]
) -> None:
    missing = difnet("prepare", name, *options)
    assert (missing.returncode, missing.stdout, len(missing.stderr.splitlines())) == (2, "", 1)
    assert all(part in missing.stderr for part in parts), missing.stderr
    assert not (project / "files").exists() and not (project / "data").exists()


@pytest.mark.usefixtures("_inside")
def test_what_is_generated_needs_no_download(project: Path, write: Callable[[str, str], Path]) -> None:
    write("workflow/benchmarks/few.yaml", BENCHMARK)
    prepared = difnet("prepare", "few", "--download")
    assert (prepared.returncode, prepared.stderr) == (0, "")
    assert prepared.stdout.startswith("Shapes (synthetic): 3 train, 2 val, 1 test; 7 classes; content ")
    assert (project / "results" / "few" / "data" / "index.json").exists()
