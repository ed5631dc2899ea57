"""Unpacking archives (tar, tar.gz, zip) of which nothing is trusted: names, kinds, sizes, contents."""

from __future__ import annotations

import errno
import gzip
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from io import BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Self

from difnet.config import InputError

MIB = 2**20
RATIO = 20
"""Times its own size that an archive may unpack to; those of images and labels stay far below."""
ALWAYS_ALLOWED = 64 * MIB
"""Bytes that even the smallest archive may unpack to."""
HEADER = MIB
"""Bytes that the header of a tar member may have."""

OTHERS = {b"BZh": "bzip2", b"\xfd7zX": "xz", b"(\xb5/\xfd": "zstd", b"7z\xbc\xaf": "7z", b"Rar!": "rar"}
"""First bytes of formats that are not read."""

DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError),
    *(ValueError, LookupError, OverflowError, RecursionError, NotImplementedError),
)
"""What damaged bytes make the standard library raise."""


class Member(NamedTuple):
    """A file or a folder in an archive."""

    name: str
    size: int
    content: IO[bytes] | None
    """None for a folder."""


class _RefusedError(Exception):
    """The archive holds what that of a data set never does."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive into a new folder, whole or not at all.

    Only plain files and folders are made, all inside `folder`; an archive with absolute or climbing names,
    links, devices or the same name twice is refused.

    Args:
        archive: The archive; its first bytes say of which kind it is.
        folder: The folder to make.

    Raises:
        InputError: If the archive is damaged or refused, or unpacks to more than `RATIO` times its size or
            than the disk has room for. Nothing is left then.
        OSError: If it cannot be read, or the folder cannot be written.
    """
    folder.mkdir(parents=True)
    room = _Room(archive, folder)
    try:
        with closing(_members(archive, room)) as members:
            _write_all(members, archive, folder, room)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


class _Room:
    """How much an archive may unpack to."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.name, self.size = archive.name, archive.stat().st_size
        self.limit = max(RATIO * self.size, ALWAYS_ALLOWED)
        self.free = shutil.disk_usage(folder).free

    def check(self, total: int) -> None:
        """Refuse more bytes in all than that."""
        if total > self.limit:
            raise _RefusedError(f"its {self.size / MIB:.1f} MiB become more than {self.limit / MIB:.0f} MiB")
        if total > self.free:
            problem = f"{self.name} unpacks to more than the {self.free / MIB:.0f} MiB that are free"
            raise OSError(errno.ENOSPC, problem)


def _write_all(members: Iterator[Member], archive: Path, folder: Path, room: _Room) -> None:
    total = 0
    try:
        for member in members:
            total += member.size
            room.check(total)
            _write(member, folder)
    except _RefusedError as error:
        raise InputError(f"{archive}: not unpacked: {error}; get a sound copy") from error
    except DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise InputError(f"{archive}: is damaged ({reason}); get a sound copy") from error


def _write(member: Member, folder: Path) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise _RefusedError(f"{member.name!r} leads out of the folder")
    path = folder / name
    try:
        if member.content is None:
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            shutil.copyfileobj(member.content, file)
            written = file.tell()
    except (FileExistsError, NotADirectoryError) as error:
        raise _RefusedError(f"{member.name!r} is in it twice") from error
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise _RefusedError(f"'{member.name[:40]}...' is too long a name for this disk") from error
    if written != member.size:
        raise EOFError(f"{member.name!r} ends early")


def _members(archive: Path, room: _Room) -> Generator[Member, None, None]:
    """The members one after another; the content of one can be read until the next is asked for."""
    with archive.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start.startswith(b"PK"):
            yield from _zip_members(file, room)
        elif start.startswith(b"\x1f\x8b"):
            with gzip.open(file) as unzipped:
                yield from _tar_members(unzipped)
                if len(unzipped.read(HEADER)) == HEADER:  # to the end, where the checksum is
                    raise _RefusedError(f"more than {HEADER / MIB:.0f} MiB follow its last file")
        elif other := next((kind for magic, kind in OTHERS.items() if start.startswith(magic)), None):
            raise _RefusedError(f"it is compressed with {other}, and only tar, tar.gz and zip are read")
        else:
            yield from _tar_members(file)


def _zip_members(file: IO[bytes], room: _Room) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        room.check(sum(info.file_size for info in archive.infolist()))
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _RefusedError(f"{info.filename!r} is a link or a device")
            if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _RefusedError(f"{info.filename!r} is encrypted or compressed in a rare way")
            if info.is_dir():
                yield Member(info.filename, 0, None)
            else:
                with archive.open(info) as content:
                    yield Member(info.filename, info.file_size, content)


def _tar_members(file: BufferedReader | gzip.GzipFile) -> Iterator[Member]:
    stream = _Bounded(file)
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictInfo) as archive:
        for info in archive:
            plain = info.isdir() or (info.isreg() and not info.issparse())
            if not plain or info.size < 0:
                raise _RefusedError(f"{info.name!r} is a link or a device")
            stream.allowed = info.size + HEADER
            yield Member(info.name, info.size, archive.extractfile(info))


class _Bounded(RawIOBase):
    """A stream that ends where more is read than the members' contents account for."""

    def __init__(self, file: BufferedReader | gzip.GzipFile) -> None:
        self.file = file
        self.allowed = HEADER

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes."""
        data = self.file.read(size)
        self.allowed -= len(data)
        if self.allowed < 0:
            raise _RefusedError(f"the header of a file is larger than {HEADER / MIB:.0f} MiB")
        return data


class _StrictInfo(tarfile.TarInfo):
    """A tar header; a damaged one is an error, where tarfile would take it for the end of the archive."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error
