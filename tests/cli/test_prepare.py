"""`difnet prepare`: which data a name stands for, and how a missing data set is to be had."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from difnet.cli import prepare
from difnet.config import DataConfig, InputError
from tests.cli.test_main import difnet

BENCHMARK = """
title: Few shapes
description: For a test.
data: {name: shapes, options: {train: 3, val: 2, test: 1, size: 32}}
model: {name: difnet-nano}
"""
UNSEEN = "difnet: Shapes (synthetic): no label shows ring\n"
"""What is said of so few images."""
MANY = BENCHMARK.replace("train: 3", "train: 100000")


@pytest.fixture
def _inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("DIFNET_DATA", str(project / "files"))


@pytest.mark.usefixtures("_inside")
def test_a_benchmark_comes_before_a_data_set(write: Callable[[str, str], Path]) -> None:
    assert prepare._config("shapes", None) == DataConfig(name="shapes")
    write("workflow/benchmarks/shapes.yaml", BENCHMARK)
    assert prepare._config("shapes", None).options["train"] == 3
    write("workflow/benchmarks/shapes.yaml", "title: 3\n")
    with pytest.raises(InputError, match=r"shapes\.yaml"):
        prepare._config("shapes", None)
    with pytest.raises(InputError, match="unknown benchmark 'shapse'"):
        prepare._config("shapse", None)
    assert prepare._config("folder", "x") == DataConfig(name="folder", options={"root": "x"})


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
    assert (prepared.returncode, prepared.stderr) == (0, UNSEEN)
    assert prepared.stdout.startswith("Shapes (synthetic): 3 train, 2 val, 1 test; 7 classes; content ")
    assert (project / "results" / "few" / "data" / "index.json").exists()


@pytest.mark.usefixtures("_inside")
@pytest.mark.parametrize(
    ("number", "line"),
    [
        (signal.SIGINT, "difnet: interrupted"),
        (signal.SIGTERM, "difnet: stopped by SIGTERM"),
        (signal.SIGHUP, "difnet: stopped by SIGHUP"),
    ],
)
def test_a_stopped_process_says_so_and_clears_away(
    project: Path, write: Callable[[str, str], Path], number: signal.Signals, line: str
) -> None:
    write("workflow/benchmarks/many.yaml", MANY)
    store = project / "store"
    command = [sys.executable, "-m", "difnet", "prepare", "many", "--data", str(store)]
    former = signal.signal(number, signal.SIG_DFL)  # a test-suite in the background may ignore it
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(number, former)
    written = store / ".partial" / "train.images.bin"
    while not (written.exists() and written.stat().st_size):  # importing NumPy may lose what is raised
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (128 + number, "", f"{line}\n")
    assert [path.name for path in store.iterdir()] == [".lock"]


@pytest.mark.usefixtures("_inside")
@pytest.mark.parametrize("data", ["", "."])
def test_the_current_folder_is_no_store(project: Path, data: str) -> None:
    before = sorted(project.rglob("*"))
    refused = difnet("prepare", "shapes", "--data", data)
    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (2, "", 1)
    assert "and no prepared data; choose a new or empty folder" in refused.stderr
    assert sorted(project.rglob("*")) == before


@pytest.mark.usefixtures("_inside")
def test_a_flipped_bit_in_the_store_is_found_and_mended(
    project: Path, write: Callable[[str, str], Path]
) -> None:
    write("workflow/benchmarks/few.yaml", BENCHMARK)
    first = difnet("prepare", "few")
    (pixels,) = (project / "results").rglob("train.images.bin")
    sound = pixels.read_bytes()
    pixels.write_bytes(sound[:100] + bytes([sound[100] ^ 1]) + sound[101:])
    again = difnet("prepare", "few")
    assert (again.returncode, again.stdout) == (0, first.stdout)
    said, unseen = again.stderr.splitlines(keepends=True)
    assert "few/data: pixels have changed on disk; prepares them again" in said and unseen == UNSEEN
    assert pixels.read_bytes() == sound
    assert difnet("prepare", "few").stderr == ""
