"""Processes that wait for one another: one line, and only where there is something to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from filelock import FileLock, Timeout

from difnet.config import DataConfig
from difnet.data import prepare
from difnet.data.obtaining.obtain import obtain
from difnet.machine.locking import locked
from tests.data.loopback import serve
from tests.data.test_obtaining import Twigs
from tests.data.twigs import FILE, pack, published


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
    assert capsys.readouterr().err == ""
    return said


def test_who_prepares_waits_and_says_so(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    config = DataConfig(name="folder", options={"root": str(own)})
    said = waited(store / ".lock", lambda: prepare(config, store), capsys)
    assert said == f"difnet: waiting for another process, which prepares {store}\n"
    assert (store / "index.json").exists()


def test_a_store_that_is_replaced_while_it_is_looked_at(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was there a moment ago is gone: that is no store, and no error."""
    config = DataConfig(name="folder", options={"root": str(own)})
    first = prepare(config, tmp_path / "store")
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    for path in (tmp_path / "store").rglob("*.bin"):
        path.unlink()
    assert prepare(config, tmp_path / "store") == first


def test_who_obtains_waits_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with serve(pack()) as server:
        twigs = Twigs(archive=published(server))
        lock = tmp_path / ".downloads" / f"{FILE}.lock"
        said = waited(lock, lambda: obtain(twigs, lambda _: None), capsys)
    assert said == f"difnet: waiting for another process, which obtains {FILE}\n"
    assert (tmp_path / "forest" / "twigs").is_dir()


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
