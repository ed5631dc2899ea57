"""Fetching one archive: continued where a break left it, and checked against the published checksum."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from difnet.config import InputError, RunError
from difnet.data.dataset import Archive
from difnet.machine.progress import Progress, say

MIB = 2**20
CHUNK = MIB // 4
TIMEOUT = 60.0
"""Seconds without a byte after which a connection counts as broken."""
ATTEMPTS = 5
"""Connections in a row of which none gets farther than the first, after which a download is given up."""
PAUSE = 1.0
"""Seconds before the second attempt; doubled for every further one."""
DIGITS = 15
"""Digits of the largest length that is believed."""
TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a server that may change with time."""


class _BrokenError(Exception):
    """A connection failed or ended early; the next may get farther."""


def fetch(archive: Archive, path: Path) -> None:
    """Download an archive, whole and with the published checksum or not at all.

    What has arrived is in PATH.part, where the next call continues, also that of another process.

    Args:
        archive: What to download.
        path: The file to write.

    Raises:
        InputError: If the disk has no room for it.
        RunError: If the server does not deliver it, or delivers something else.
        OSError: If the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    problem = checksum_problem(archive, part)
    if problem:
        continued = _receive_all(archive, part)
        problem = checksum_problem(archive, part)
        if problem and continued:
            say(f"{archive.file}: does not fit what an earlier connection left; starts again")
            part.unlink()
            _receive_all(archive, part)
            problem = checksum_problem(archive, part)
    if problem:
        part.unlink()
        raise RunError(f"{archive.url}: {problem}; what was downloaded is removed; try again later")
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)


def checksum_problem(archive: Archive, path: Path) -> str | None:
    """What is wrong with a file that should be this archive; None if it has its checksum."""
    algorithm, _, published = archive.checksum.partition(":")
    new_hash = partial(hashlib.new, algorithm, usedforsecurity=False)
    if path.exists() and not path.is_file() and not path.is_dir():
        return "is no regular file"
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, new_hash).hexdigest()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if found == published else f"its {algorithm} is {found}, not {published} as published"


def _receive_all(archive: Archive, part: Path) -> bool:
    """Connect until the file is whole; the count of attempts begins anew whenever one gets farther.

    Returns:
        Whether the last connection continued what others had left.
    """
    farthest, failures = -1, 0
    while True:
        try:
            return _receive(archive, part)
        except _BrokenError as error:
            reached = _length(part)
            failures = 1 if reached > farthest else failures + 1
            farthest = max(farthest, reached)
            if failures == ATTEMPTS:
                kept = f"{reached / MIB:.0f} MiB are kept; run the command again to continue"
                raise RunError(f"{archive.url}: {error}; {kept}") from error
            pause = PAUSE * 2 ** (failures - 1)
            say(f"{archive.file}: {error}; next attempt in {pause:.0f} s")
            time.sleep(pause)


def _receive(archive: Archive, part: Path) -> bool:
    """Receive over one connection what is missing; whether something was there."""
    start = _length(part)
    with _connect(archive, part, start) as response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            start = 0
        size = _whole_size(archive, response, start)
        free = shutil.disk_usage(part.parent).free + _length(part) - start
        if size is not None and size - start > free:
            needed = f"{(size - start) / MIB:.0f} MiB are needed and {free / MIB:.0f} MiB free"
            raise InputError(f"{part}: {needed}; free space or set DIFNET_DATA to a folder of another disk")
        whole = None if size is None else size / MIB
        with (
            Progress(archive.file, whole, unit="MiB", done=start / MIB) as progress,
            part.open("ab" if start else "wb") as file,
        ):
            for received in _chunks(response, None if size is None else size - start):
                file.write(received)
                progress.update(file.tell() / MIB)
    return start > 0


def _connect(archive: Archive, part: Path, start: int) -> HTTPResponse:
    """Ask for the file from byte `start` on; where that cannot be had, `part` is removed to begin anew."""
    headers = {"User-Agent": "difnet", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        response: HTTPResponse = urlopen(Request(archive.url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        answer = f"the server answers {error.code} {error.reason}"
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            part.unlink()
        elif error.code not in TEMPORARY:
            raise RunError(f"{archive.url}: {answer}; try again later") from error
        raise _BrokenError(answer) from error
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise _BrokenError(f"no connection: {getattr(reason, 'strerror', None) or reason}") from error
    except ValueError as error:
        raise RunError(f"{archive.url}: leads to no valid address ({error}); try again later") from error
    found = response.headers.get("Content-Range", "")
    if response.status == HTTPStatus.PARTIAL_CONTENT and not found.startswith(f"bytes {start}-"):
        response.close()
        part.unlink(missing_ok=True)
        raise _BrokenError(f"the server sends '{found}' where the bytes from {start} on were asked for")
    return response


def _whole_size(archive: Archive, response: HTTPResponse, start: int) -> int | None:
    """Size of the whole file in bytes; None where neither the server says it nor who published the file."""
    length = response.headers.get("Content-Length", "")
    if not (length.isdecimal() and len(length) <= DIGITS):
        return archive.size
    announced = start + int(length)
    if archive.size and announced != archive.size:
        raise RunError(
            f"{archive.url}: has {announced} bytes, not {archive.size} as published; try again later"
        )
    return announced


def _chunks(response: HTTPResponse, count: int | None) -> Iterator[bytes]:
    """The next `count` bytes, as they arrive; None for all until the connection ends."""
    while count != 0:
        try:
            received = response.read1(CHUNK if count is None else min(CHUNK, count))
        except (OSError, HTTPException, ValueError) as error:
            raise _BrokenError(f"the connection broke: {error}") from error
        if not received:
            if count is None:
                return
            raise _BrokenError("the connection ended early")
        if count is not None:
            count -= len(received)
        yield received


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
