"""A finished selection published on one clone and merged in another; an archive that was tampered with."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from difnet.config import InputError
from difnet.report.archive import MANIFEST, publish, unpack, verify
from tests.conftest import PROJECT
from tests.workflow.conftest import PARTS, RUNS, Project

MB = 10**6


def clone(root: Path) -> Path:
    root.mkdir()
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / part)
    (root / "results").mkdir()
    return root


def difnet(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "difnet", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture
def origin(project: Project, tmp_path: Path) -> Path:
    """A clone with the finished run of `tiny` alone."""
    root = clone(tmp_path / "origin")
    # The last start of another test may have planned other runs.
    assert difnet(project.root, "plan", "tiny").returncode == 0
    shutil.copytree(project.root / "results" / "tiny", root / "results" / "tiny")
    assert difnet(root, "report", "results/tiny").returncode == 0
    return root


def test_another_clone_makes_the_same_report(origin: Path, tmp_path: Path) -> None:
    done = difnet(origin, "publish", "results/tiny", "--out", "tiny.zip")
    assert (done.returncode, done.stdout, done.stderr) == (0, "tiny.zip\n", "")
    other = clone(tmp_path / "other")
    done = difnet(other, "verify", str(origin / "tiny.zip"), "--into", "results")
    assert done.returncode == 0 and "all as they were published" in done.stdout, done.stderr
    pages = [f"results/{name}" for name in ("report.html", "tiny/report.html")]
    (other / pages[1]).unlink()
    assert difnet(other, "report", "results/tiny").returncode == 0
    assert [name for name in pages if (origin / name).read_bytes() != (other / name).read_bytes()] == []
    runs = [*(other / "results" / "tiny" / "runs").glob("*/seed*")]
    assert len(runs) == RUNS
    assert not [*other.rglob("checkpoint*.pt")] and not [*other.rglob("prepared-*")]
    again = tmp_path / "again.zip"
    publish([other / "results" / "tiny"], again, weight_bytes=10 * MB)
    assert again.read_bytes() == (origin / "tiny.zip").read_bytes(), "equal results are equal archives"


def test_a_changed_byte_is_refused_and_its_file_named(origin: Path, tmp_path: Path) -> None:
    archive = tmp_path / "tiny.zip"
    assert publish([origin / "results" / "tiny"], archive, weight_bytes=0)[0].endswith("/weights.safetensors")
    content = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        starts = {info.filename: info.header_offset for info in opened.infolist()}
        packed = {info.filename: info.compress_size for info in opened.infolist()}
    verify(archive)

    def said(place: int) -> str:
        archive.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(InputError) as error:
            verify(archive)
        return str(error.value)

    for name in (MANIFEST, "tiny/scores.csv", "tiny/runs/cascade/seed0/per_image.parquet"):
        place = starts[name] + 30 + len(name) + packed[name] // 2
        assert name in said(place)
    for place in (*random.Random(0).sample(range(len(content)), 40), len(content) - 1):
        assert "tiny.zip" in said(place)
    archive.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"tiny\.zip: cannot be read"):
        verify(archive)


def test_merging_overwrites_nothing(origin: Path, tmp_path: Path) -> None:
    archive, results = tmp_path / "tiny.zip", tmp_path / "results"
    publish([origin / "results" / "tiny"], archive, weight_bytes=0)
    run = results / "tiny" / "runs" / "cascade" / "seed0"
    run.mkdir(parents=True)
    (run / "scores.csv").write_text("another run")
    with pytest.raises(InputError, match=r"cascade/seed0/scores\.csv: is there already"):
        unpack(archive, results)
    assert [path.name for path in results.rglob("*") if path.is_file()] == ["scores.csv"]
    (run / "scores.csv").unlink()
    (results / "tiny" / "summary.csv").write_text("of other runs")
    assert unpack(archive, results) == ["tiny/summary.csv"]
    assert (results / "tiny" / "summary.csv").read_text() == "of other runs"


def test_what_is_not_finished_is_not_published(origin: Path, tmp_path: Path) -> None:
    folder = origin / "results" / "tiny"
    (folder / "runs" / "seed_only" / "seed1" / "scores.csv").unlink()
    with pytest.raises(InputError, match="lacks 1 of 8 runs, seed_only seed 1 first; run 'snakemake"):
        publish([folder], tmp_path / "tiny.zip", weight_bytes=0)
    assert not (tmp_path / "tiny.zip").exists()
