"""Unpacking sound archives, and hostile ones made here."""

from __future__ import annotations

import gzip
import io
import random
import resource
import shutil
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from difnet.config import InputError
from difnet.data.download.unpack import unpack

FILES = {"leaves/a.txt": b"oak", "leaves/deep/name with ü.bin": random.Random(1).randbytes(70_000), "b": b""}


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def tar(path: Path, *members: tarfile.TarInfo, mode: str = "w") -> Path:
    """A tar of the given headers (each followed by as many zeros as it says), then `FILES`."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info in members:
            archive.addfile(info, io.BytesIO(bytes(info.size)))
        for name, content in FILES.items():
            archive.addfile(member(name, size=len(content)), io.BytesIO(content))
    return path


def zipped(path: Path, *members: tuple[str, int, bytes]) -> Path:
    """A zip of `FILES`, then of members with name, file mode and content."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.mkdir("leaves")
        for name, content in FILES.items():
            archive.writestr(name, content)
        for name, mode, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


def refused(archive: Path, folder: Path) -> str:
    """The one-line message of an archive that is not unpacked; nothing may be left, inside or outside."""
    before = set(folder.parent.rglob("*"))
    with pytest.raises(InputError) as error:
        unpack(archive, folder)
    assert set(folder.parent.rglob("*")) == before
    message = str(error.value)
    assert (
        message.startswith(f"{archive}: cannot be unpacked as tar, tar.gz or zip (") and "\n" not in message
    )
    assert message.endswith("); get a sound copy")
    return message


def found(folder: Path) -> dict[str, bytes]:
    """What was unpacked, of which nothing may be a link."""
    paths = list(folder.rglob("*"))
    assert not [path for path in paths if path.is_symlink() or not (path.is_file() or path.is_dir())]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}


@pytest.mark.parametrize(
    "make",
    [
        lambda path: tar(path, member("leaves", tarfile.DIRTYPE)),
        lambda path: tar(path, mode="w:gz"),
        lambda path: tar(path, member("./", tarfile.DIRTYPE)),
        zipped,
    ],
)
def test_a_sound_archive(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    unpack(make(tmp_path / "any-name"), tmp_path / "unpacked")
    assert found(tmp_path / "unpacked") == FILES


def test_nobody_else_may_write_or_become_the_owner(tmp_path: Path) -> None:
    info = member("run", size=1)
    info.mode = 0o6777
    unpack(tar(tmp_path / "a.tar", info), tmp_path / "unpacked")
    assert stat.S_IMODE((tmp_path / "unpacked" / "run").stat().st_mode) & 0o6022 == 0


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize(
    ("info", "message"),
    [
        (member("../outside", size=3), "'../outside' would be extracted to"),
        (member("leaves/../../outside"), "which is outside the destination"),
        (member("..", tarfile.DIRTYPE), "which is outside the destination"),
        (member("way", tarfile.SYMTYPE, "/etc"), "'way' is a link or a device"),
        (member("way", tarfile.SYMTYPE, "leaves"), "'way' is a link or a device"),
        (member("way", tarfile.LNKTYPE, "/etc/passwd"), "'way' is a link or a device"),
        (member("pipe", tarfile.FIFOTYPE), "'pipe' is a link or a device"),
        (member("disk", tarfile.BLKTYPE), "'disk' is a link or a device"),
        (member("tty", tarfile.CHRTYPE), "'tty' is a link or a device"),
        (member("zeros", size=70 * 2**20), "becomes more than 64 MiB"),
    ],
)
def test_a_hostile_tar(tmp_path: Path, info: tarfile.TarInfo, message: str, mode: str) -> None:
    if "64 MiB" in message and mode == "w":
        pytest.skip("what is not compressed is no bomb")
    assert message in refused(tar(tmp_path / "a.tar", info, mode=mode), tmp_path / "unpacked")


@pytest.mark.parametrize(
    ("name", "mode", "content", "inside"),
    [
        ("../outside", 0, b"x", "outside"),
        ("/tmp/absolute", 0, b"x", "tmp/absolute"),
        ("leaves/../../outside", 0, b"x", "leaves/outside"),
        ("way", stat.S_IFLNK | 0o777, b"/etc", "way"),
        ("pipe", stat.S_IFIFO, b"", "pipe"),
    ],
)
def test_what_a_hostile_zip_holds_becomes_plain_files_inside(
    tmp_path: Path, name: str, mode: int, content: bytes, inside: str
) -> None:
    unpack(zipped(tmp_path / "a.zip", (name, mode, content)), tmp_path / "unpacked")
    assert found(tmp_path / "unpacked") == FILES | {inside: content}
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "unpacked"}


def test_an_absolute_name_in_a_tar_stays_inside(tmp_path: Path) -> None:
    unpack(tar(tmp_path / "a.tar", member("/tmp/absolute", size=1)), tmp_path / "unpacked")
    assert found(tmp_path / "unpacked") == FILES | {"tmp/absolute": b"\0"}


def test_a_zip_bomb_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small", b"x")
        archive.writestr("zeros", bytes(65 * 2**20))
    monkeypatch.setattr(zipfile.ZipFile, "extractall", lambda *_: pytest.fail("something is written"))
    assert "becomes more than 64 MiB" in refused(tmp_path / "a.zip", tmp_path / "unpacked")


def test_a_zip_that_holds_more_than_it_declares(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("big", 0, bytes(9999)))
    content = path.read_bytes()
    assert content.count((9999).to_bytes(4, "little")) == 4
    path.write_bytes(content.replace((9999).to_bytes(4, "little"), (5).to_bytes(4, "little")))
    refused(path, tmp_path / "unpacked")


def test_a_header_of_gigabytes_takes_no_more_memory_than_the_limit(tmp_path: Path) -> None:
    """A gzip of a megabyte whose one pax header expands to a gigabyte."""
    path = tmp_path / "a.tgz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(member("x", tarfile.XHDTYPE, size=2**30).tobuf())
        for _ in range(64):
            file.write(bytes(2**24))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "becomes more than" in refused(path, tmp_path / "unpacked")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


@pytest.mark.parametrize("make", [tar, lambda path: tar(path, mode="w:gz"), zipped])
def test_a_truncated_archive(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / "archive")
    content = path.read_bytes()
    for end in (0, 1, 3, 100, 1000, len(content) // 2):
        path.write_bytes(content[:end])
        refused(path, tmp_path / "unpacked")


@pytest.mark.parametrize("mode", ["w:bz2", "w:xz"])
def test_another_format(tmp_path: Path, mode: str) -> None:
    refused(tar(tmp_path / "a.tar", mode=mode), tmp_path / "unpacked")


@pytest.mark.parametrize("make", [tar, lambda path, info: zipped(path, (info.name, 0, b"x"))])
def test_a_name_that_the_disk_does_not_take(tmp_path: Path, make: Callable[..., Path]) -> None:
    archive = make(tmp_path / "a", member("x" * 300))
    with pytest.raises(OSError, match="File name too long"):
        unpack(archive, tmp_path / "unpacked")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("make", [tar, lambda path: tar(path, mode="w:gz"), zipped])
def test_flipped_bits_end_in_an_error_or_in_files(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / "archive")
    sound = path.read_bytes()
    rng = random.Random(2)
    outcomes = set()
    for _ in range(150):
        content = bytearray(sound)
        for _ in range(rng.randint(1, 8)):
            place = rng.randrange(len(content)) if rng.random() < 0.2 else rng.randrange(-400, 900)
            content[place] = rng.randrange(256)
        path.write_bytes(content)
        try:
            unpack(path, tmp_path / "unpacked")
            outcomes.add("unpacked")
            shutil.rmtree(tmp_path / "unpacked")
        except (InputError, OSError) as error:
            outcomes.add(type(error).__name__)
            assert str(error).isprintable()
        assert {entry.name for entry in tmp_path.iterdir()} == {"archive"}
    assert "InputError" in outcomes


@pytest.mark.parametrize("make", [tar, lambda path, info: zipped(path, (info.name, 0, bytes(info.size)))])
def test_a_disk_that_fills_up(tmp_path: Path, small_disk: Path, make: Callable[..., Path]) -> None:
    archive = make(tmp_path / "a", member("zeros", size=600_000))
    with pytest.raises(OSError, match="No space left on device"):
        unpack(archive, small_disk / "unpacked")
    assert not list(small_disk.iterdir())


def test_a_python_without_the_filter_unpacks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(InputError, match="only Python 3.11.4 or newer unpacks it safely; extract it by hand"):
        unpack(zipped(tmp_path / "a.zip"), tmp_path / "unpacked")
    assert not (tmp_path / "unpacked").exists()
