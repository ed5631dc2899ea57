"""`difnet prepare --download` killed at random moments and run again ends with the same content hash."""

from __future__ import annotations

import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from difnet.data import load_prepared
from tests.data.download.loopback import Server, serve
from tests.data.download.twigs import FILE, pack, run, start

IMAGES = 250
CONTENT = pack(IMAGES, side=40)
STAGES = {
    "download": f"data/.downloads/{FILE}/{FILE}.part",
    "unpacking": f"data/.downloads/{FILE}/unpacked",
    "pixels": "data/forest/twigs",
}
"""What appears when a stage begins."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Delivers the archive within about half a second."""
    with serve(CONTENT) as running:
        running.packet, running.pause = len(CONTENT) // 50, 0.01
        yield running


def follow(process: Popen[str], folder: Path, until: str) -> dict[str, float]:
    """Watch a process until a stage begins, or the process ends; the times at which stages began."""
    began: dict[str, float] = {}
    while process.poll() is None and until not in began:
        for stage, path in STAGES.items():
            if stage not in began and (folder / path).exists():
                began[stage] = time.monotonic()
        time.sleep(0.0005)
    return began


def content_hash(folder: Path, server: Server) -> str:
    """Prepare to the end; nothing temporary may be left. Returns the content hash."""
    code, out, err = run(folder, server, "--download")
    assert code == 0, err
    assert not (folder / "data" / ".downloads" / FILE).exists()
    assert len(list((folder / "data" / "forest").rglob("*.png"))) == 2 * IMAGES
    found = re.fullmatch(rf"Twigs: {IMAGES} train; 2 classes; content (\w+)\n", out)
    assert found, out
    assert load_prepared(folder / "store").index.sha256.startswith(found[1])
    return found[1]


def check_kills(stages: list[str], seed: int, folder: Path, server: Server) -> None:
    """For every stage kill once at a random moment of it, and run again."""
    process = start(folder / "reference", server, "--download")
    began = follow(process, folder / "reference", until="the end")
    process.communicate()
    began["the end"] = time.monotonic()
    durations = {
        stage: following - start
        for (stage, start), following in zip(began.items(), list(began.values())[1:], strict=False)
    }
    expected = content_hash(folder / "reference", server)
    rng = random.Random(seed)
    killed = 0
    for number, stage in enumerate(stages):
        place = folder / str(number)
        process = start(place, server, "--download")
        follow(process, place, until=stage)
        time.sleep(rng.random() * durations.get(stage, 0))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        whole = 2 * IMAGES if (place / STAGES["pixels"]).exists() else 0
        assert len(list((place / "data").glob("forest/twigs/*/*.png"))) == whole
        part = place / STAGES["download"]
        kept = part.stat().st_size if part.exists() else 0
        before = len(server.ranges)
        assert content_hash(place, server) == expected
        if kept:
            assert server.ranges[before:] == ([f"bytes={kept}-"] if kept < len(CONTENT) else [])
    assert killed >= len(stages) / 3


def test_one_kill_in_every_stage(tmp_path: Path, server: Server) -> None:
    check_kills(list(STAGES), seed=1, folder=tmp_path, server=server)


@pytest.mark.slow
def test_twenty_kills(tmp_path: Path, server: Server) -> None:
    stages = random.Random(0).choices(list(STAGES), k=20)
    assert min(stages.count(stage) for stage in STAGES) >= 4
    check_kills(stages, seed=2, folder=tmp_path, server=server)
