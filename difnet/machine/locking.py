"""A lock between processes that tells the user what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

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
        say(f"difnet: waiting for another process, which {task}")
        lock = FileLock(path).acquire()
    with lock:
        yield
