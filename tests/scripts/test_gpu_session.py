"""The session on a GPU: what fits into the budget, what is done before, what an ended part keeps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import gpu_session
from tests.conftest import PROJECT

PART = """
import sys, time
print('measured ["step", 61.5]', flush=True)
print('measured ["images/s", 260]', flush=True)
time.sleep({"tests": 60, "parity": 0, "seeds": 0}.get(sys.argv[1], 0))
sys.exit({"parity": 3}.get(sys.argv[1], 0))
"""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs parts that are played: `tests` never ends, `parity` fails; returns what was said."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "gpu_parts.py").write_text(PART)
    monkeypatch.setattr(gpu_session, "PROJECT", tmp_path)
    monkeypatch.setattr(gpu_session, "GRACE", 1)
    monkeypatch.setattr(gpu_session, "has_gpu", lambda: True)

    def run(budget: float, **limits: float) -> list[str]:
        monkeypatch.setattr(gpu_session, "LIMITS", limits)
        monkeypatch.setattr(sys, "argv", ["session", "--out", str(tmp_path / "out"), "--budget", str(budget)])
        gpu_session.main()
        return capsys.readouterr().out.splitlines()

    return run


def left(tmp_path: Path, part: str) -> dict[str, object]:
    return json.loads((tmp_path / "out" / f"{part}.json").read_text())


def test_what_does_not_fit_is_left_out_from_the_end(session, tmp_path: Path) -> None:
    lines = session(60, environment=5, step=5, timing=500)
    assert [line.partition(",")[0] for line in lines[:3]] == [
        *("environment: ok", "step: ok", "timing and what follows: left out"),
    ]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.json")) == [
        "environment.json",
        "step.json",
    ]


def test_a_second_call_continues_after_the_first(session) -> None:
    session(60, environment=5, timing=500)
    lines = session(1000, environment=5, timing=500)
    assert lines[0] == "environment: done before"
    assert lines[1].startswith("timing: ok") and lines[2].startswith("seeds: ok")


def test_a_part_that_is_ended_keeps_its_values_and_one_that_fails_is_tried_again(
    session, tmp_path: Path
) -> None:
    lines = session(30, tests=3, parity=5, step=500)
    assert lines[0].startswith("tests: time is up") and lines[1].startswith("parity: failed with exit code 3")
    assert left(tmp_path, "tests")["values"] == {"step": 61.5, "images/s": 260}
    lines = session(30, parity=5, step=500)
    assert lines[0].startswith("parity: failed")


def test_expected_stands_beside_measured(session) -> None:
    lines = session(60, step=5, timing=500)
    (row,) = [line for line in lines if line.startswith("step, difnet-50")]
    assert row.split()[-1] == "61.5" and "55 to 62" in row
    (row,) = [line for line in lines if line.startswith("cascade, N = 4,225")]
    assert row.endswith("not run: left out")


def test_all_but_the_last_part_take_at_most_eight_minutes() -> None:
    assert sum(gpu_session.LIMITS.values()) <= 480


@pytest.mark.slow
def test_a_dry_run_goes_through_every_part(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "scripts/gpu_session.py",
        "--dry-run",
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    for part in (*gpu_session.LIMITS, gpu_session.LAST):
        assert json.loads((tmp_path / f"{part}.json").read_text())["status"] == "ok", done.stdout
    assert [line.endswith("not run: no GPU") for line in done.stdout.rstrip().splitlines()[-14:]] == [
        True
    ] * 14
