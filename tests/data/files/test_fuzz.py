"""Randomly damaged files: a clean error or a correct read, in little time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import PROJECT

EXAMPLES = 2000


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_damaged_files(tmp_path: Path) -> None:
    """No file takes 10 s of CPU time; one that hangs ends the process with a traceback."""
    command = [sys.executable, "-m", "tests.data.files.fuzzing", str(EXAMPLES), str(tmp_path)]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-5000:]
    report = json.loads(ended.stdout)
    assert report["memory"] < 1024 and report["seconds"] < 10
    outcomes = Counter(report["outcomes"])
    assert outcomes.total() == EXAMPLES
    for kind in ("images.png", "images.jpg", "labels.png", "list.txt"):
        assert outcomes[f"{kind} refused"] > 100 and outcomes[f"{kind} read"] > 10
