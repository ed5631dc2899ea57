"""A lock between processes that tells the user what it waits for."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from difnet.config.files import not_written
from difnet.machine.progress import say


@contextmanager
def locked(path: Path, task: str) -> Iterator[None]:
    """Hold a lock; while another process does, wait, after one line on standard error.

    Args:
        path: The file to lock; it stays, and its lock ends with the process that holds it.
        task: What the process that holds it does, for the line: `prepares results/shapes/data`.

    Raises:
        OSError: If the file cannot be written.
    """
    try:
        lock = FileLock(path).acquire(blocking=False)
    except Timeout:
        if not path.exists():  # a place like /proc, which takes no file: nobody holds its lock
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
        say(f"difnet: waiting for another process, which {task}")
        lock = FileLock(path).acquire()
    with lock:
        yield


def is_taken(run: Path) -> bool:
    """Whether a training or evaluation is at work in a run directory.

    Args:
        run: The run directory; nothing is written where nobody has worked yet.
    """
    path = _lock_of(run)
    if not path.exists():
        return False
    try:
        with FileLock(path).acquire(blocking=False):
            return False
    except Timeout:
        return True


def _lock_of(run: Path) -> Path:
    """The lock of a run directory, beside it."""
    place = run.resolve()
    return place.with_name(f".{place.name}.lock")


@contextmanager
def alone_in(run: Path) -> Iterator[None]:
    """Let no other training or evaluation write into the same run directory; one that wants to waits.

    The lock lies beside the directory, which may be moved aside.

    Args:
        run: The run directory.

    Raises:
        InputError: If the lock cannot be written.
    """
    lock = _lock_of(run)
    with ExitStack() as stack:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(lock, f"trains or scores {run}"))
        except OSError as error:
            raise not_written(run, error) from error
        yield
