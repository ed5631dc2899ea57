"""What is said about a long work: lines in a log, a bar on a terminal, and nothing that ends the work."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from difnet.machine import progress
from difnet.machine.progress import Progress, say


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The seconds that have passed."""
    time = SimpleNamespace(seconds=0.0)
    time.monotonic = lambda: time.seconds
    monkeypatch.setattr(progress, "time", time)
    return time


def test_lines_in_a_log_are_ever_farther_apart(
    clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty images of four seconds each: a line after 10 s, one after 20 s more, one after 40 s more."""
    with Progress("Shapes", 20, unit="images") as shown:
        for _ in shown.track(range(20)):
            clock.seconds += 4
    assert capsys.readouterr().err.splitlines() == [
        "Shapes: 3 of 20 images, 0.2 images/s, 1 min 8 s left",
        "Shapes: 8 of 20 images, 0.2 images/s, 48.0 s left",
        "Shapes: 18 of 20 images, 0.2 images/s, 8.0 s left",
    ]


def test_many_hours_are_told_every_ten_minutes(
    clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress("cascade seed 0", 36_000, unit="steps") as shown:
        for step in range(36_000):
            clock.seconds += 1
            shown.update(step + 1, "loss 0.5000")
    lines = capsys.readouterr().err.splitlines()
    steps = [int(line.removeprefix("cascade seed 0: ").partition(" ")[0]) for line in lines]
    pauses = [after - before for before, after in zip([0, *steps], steps, strict=False)]
    assert pauses[:8] == [10, 20, 40, 80, 160, 320, 600, 600] and set(pauses[8:]) == {600}
    assert lines[0] == "cascade seed 0: 10 of 36000 steps, loss 0.5000, 1.0 steps/s, 9 h 59 min left"


def test_what_an_earlier_process_has_done_does_not_count_as_speed(
    clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress("leaves.tar", 50, unit="MiB", done=10) as shown:
        clock.seconds = 10
        shown.update(10)
        clock.seconds = 50
        shown.update(20)
    assert capsys.readouterr().err.splitlines() == [
        "leaves.tar: 10 of 50 MiB, 0.0 MiB/s",
        "leaves.tar: 20 of 50 MiB, 0.2 MiB/s, 2 min 30 s left",
    ]


def test_without_a_total_no_time_is_left(clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("leaves.tar", None, unit="MiB") as shown:
        clock.seconds = 20
        shown.update(30)
    assert capsys.readouterr().err == "leaves.tar: 30 MiB, 1.5 MiB/s\n"


def test_other_processes_are_quiet(clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("cascade seed 0", 2, unit="steps", quiet=True) as shown:
        clock.seconds = 100
        shown.update(1)
        say("a line", quiet=True)
    assert capsys.readouterr().err == ""


def test_a_full_log_ends_no_work() -> None:
    code = """
from difnet.machine import progress
progress.SHORTEST = 0.0
with progress.Progress("Shapes", 2, unit="images") as shown:
    shown.update(1)
print(shown.done)
"""
    with Path("/dev/full").open("w") as log:
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=log, check=False)
    assert (done.returncode, done.stdout) == (0, b"1\n")


BAR = """
from difnet.machine.progress import Progress
with Progress("Leaves [3]", 3, unit="images", done=1) as shown:
    for _ in shown.track("ab"):
        pass
"""


def test_a_bar_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    subprocess.run([sys.executable, "-c", BAR], stderr=theirs, check=True, env=environment)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    os.close(theirs)
    assert "Leaves [3]" in shown and "\u2501" in shown and "3 of 3 images, " in shown


def test_a_terminal_that_is_gone_ends_no_work() -> None:
    ours, theirs = pty.openpty()
    code = BAR.replace("        pass", "        input()")
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=theirs)
    os.read(ours, 1)
    os.close(ours)
    os.close(theirs)
    process.communicate(b"1\n2\n", timeout=60)
    assert process.returncode == 0
