"""Unpacking an archive (tar, tar.gz, zip) by the standard library, within limits of size."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zipfile
from io import RawIOBase
from pathlib import Path
from typing import IO

from difnet.config import InputError

MIB = 2**20
RATIO = 20
"""Times its own size that an archive may unpack to; those of images and labels stay far below."""
ALWAYS_ALLOWED = 64 * MIB
"""Bytes that even the smallest archive may unpack to."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive into a new folder, whole or not at all.

    Only plain files and folders are made, all inside `folder`.

    Args:
        archive: The archive; its first bytes say of which kind it is.
        folder: The folder to make.

    Raises:
        InputError: If the archive is damaged, holds links, devices or names that lead out of the folder, or
            unpacks to more than `RATIO` times its size. Nothing is left then.
        OSError: If it cannot be read, or the folder cannot be written. Nothing is left then either.
    """
    if not hasattr(tarfile, "data_filter"):
        raise InputError(f"{archive}: only Python 3.11.4 or newer unpacks it safely; extract it by hand")
    folder.mkdir(parents=True)
    try:
        with archive.open("rb") as file:
            _extract(file, folder, limit=max(RATIO * archive.stat().st_size, ALWAYS_ALLOWED))
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        # What damaged bytes make the libraries raise is no closed list; an error of the disk has a number.
        if not isinstance(error, Exception) or (isinstance(error, OSError) and error.errno is not None):
            raise
        reason = str(error) or type(error).__name__
        raise InputError(
            f"{archive}: cannot be unpacked as tar, tar.gz or zip ({reason}); get a sound copy"
        ) from error


def _extract(file: IO[bytes], folder: Path, *, limit: int) -> None:
    start = file.read(2)
    file.seek(0)
    if start == b"PK":
        with zipfile.ZipFile(file) as members:  # of links in it, `extractall` makes plain files
            _check_size(sum(member.file_size for member in members.infolist()), limit)
            members.extractall(folder)
    else:
        stream = _Bounded(gzip.GzipFile(fileobj=file) if start == b"\x1f\x8b" else file, limit)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            archive.extractall(folder, filter=_plain)


class _Bounded(RawIOBase):
    """A stream that may not become longer than a limit, whether by contents, headers or what follows them."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, limit: int) -> None:
        self.stream, self.limit, self.length = stream, limit, 0

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes."""
        data = self.stream.read(size)
        self.length += len(data)
        _check_size(self.length, self.limit)
        return data


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise InputError(f"becomes more than {limit / MIB:.0f} MiB")


def _plain(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """As the filter `data`, but without links: through them older Pythons can be led out of the folder."""
    if not (member.isreg() or member.isdir()):
        raise InputError(f"{member.name!r} is a link or a device")
    return tarfile.data_filter(member, folder)
