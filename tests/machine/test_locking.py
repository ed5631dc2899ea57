"""Processes that wait for one another: one line, and only where there is something to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from filelock import FileLock, Timeout

from difnet.machine.locking import locked


def waited(lock: Path, work: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said while `work` waits for a lock; it must go on when the lock is released."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    thread = Thread(target=work)
    said = ""
    with FileLock(lock):
        thread.start()
        while not said:
            time.sleep(0.01)
            said = capsys.readouterr().err
        time.sleep(0.2)
        assert thread.is_alive()
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert "waiting" not in capsys.readouterr().err
    return said


def test_a_free_lock_is_taken_in_silence_and_held(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with locked(tmp_path / "lock", "works"), pytest.raises(Timeout):
            FileLock(tmp_path / "lock").acquire(blocking=False)
    assert capsys.readouterr().err == ""


def test_who_has_waited_holds_the_lock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = []

    def work() -> None:
        with locked(tmp_path / "lock", "works"):
            try:
                FileLock(tmp_path / "lock").acquire(blocking=False)
            except Timeout:
                held.append(True)

    waited(tmp_path / "lock", work, capsys)
    assert held == [True]


def test_an_error_releases_the_lock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock", "works"):
        raise ZeroDivisionError
    with locked(tmp_path / "lock", "works"):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="only Linux has a folder that takes no file")
def test_a_place_that_takes_no_file_is_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="No such file"), locked(Path("/proc/.run.lock"), "works"):
        pass
    assert capsys.readouterr().err == ""
