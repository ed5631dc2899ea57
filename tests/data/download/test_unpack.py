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
from difnet.data.download import unpack as archives
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
    """The message of an archive that is not unpacked; nothing may be left, neither inside nor outside."""
    before = set(folder.parent.rglob("*"))
    with pytest.raises(InputError) as error:
        unpack(archive, folder)
    assert set(folder.parent.rglob("*")) == before
    message = str(error.value)
    assert message.startswith(f"{archive}: ") and message.endswith("; get a sound copy")
    return message


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
    folder = tmp_path / "unpacked"
    unpack(make(tmp_path / "any-name"), folder)
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == FILES


def test_permissions_are_those_of_new_files(tmp_path: Path) -> None:
    info = member("run", size=1)
    info.mode = 0o6777
    unpack(tar(tmp_path / "a.tar", info), tmp_path / "unpacked")
    assert stat.S_IMODE((tmp_path / "unpacked" / "run").stat().st_mode) & 0o6111 == 0


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize(
    ("info", "message"),
    [
        (member("../outside", size=3), "'../outside' leads out of the folder"),
        (member("leaves/../../outside"), "leads out of the folder"),
        (member("/tmp/absolute"), "'/tmp/absolute' leads out of the folder"),
        (member("..", tarfile.DIRTYPE), "leads out of the folder"),
        (member("way", tarfile.SYMTYPE, "/etc"), "'way' is a link or a device"),
        (member("way", tarfile.SYMTYPE, "leaves"), "'way' is a link or a device"),
        (member("way", tarfile.LNKTYPE, "/etc/passwd"), "'way' is a link or a device"),
        (member("pipe", tarfile.FIFOTYPE), "'pipe' is a link or a device"),
        (member("disk", tarfile.BLKTYPE), "'disk' is a link or a device"),
        (member("tty", tarfile.CHRTYPE), "'tty' is a link or a device"),
        (member("leaves/a.txt", size=2), "'leaves/a.txt' is in it twice"),
        (member("leaves/a.txt/b"), "'leaves/a.txt' is in it twice"),
        (member("leaves", size=5), "'leaves/a.txt' is in it twice"),
        (member("zeros", size=70 * 2**20), "become more than 64 MiB"),
    ],
)
def test_a_hostile_tar(tmp_path: Path, info: tarfile.TarInfo, message: str, mode: str) -> None:
    if message.endswith("64 MiB") and mode == "w":
        pytest.skip("what is not compressed is no bomb")
    assert message in refused(tar(tmp_path / "a.tar", info, mode=mode), tmp_path / "unpacked")


@pytest.mark.parametrize(
    ("name", "mode", "content", "message"),
    [
        ("../outside", 0, b"x", "'../outside' leads out of the folder"),
        ("/tmp/absolute", 0, b"x", "'/tmp/absolute' leads out of the folder"),
        ("leaves/../../outside/", 0, b"", "leads out of the folder"),
        ("way", stat.S_IFLNK | 0o777, b"/etc", "'way' is a link or a device"),
        ("pipe", stat.S_IFIFO, b"", "'pipe' is a link or a device"),
        ("leaves/a.txt", 0, b"x", "'leaves/a.txt' is in it twice"),
        ("leaves/a.txt/b", 0, b"x", "'leaves/a.txt/b' is in it twice"),
        ("b/", 0, b"", "'b/' is in it twice"),
    ],
)
def test_a_hostile_zip(tmp_path: Path, name: str, mode: int, content: bytes, message: str) -> None:
    assert message in refused(zipped(tmp_path / "a.zip", (name, mode, content)), tmp_path / "unpacked")


def test_a_zip_bomb_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small", b"x")
        archive.writestr("zeros", bytes(65 * 2**20))
    monkeypatch.setattr(archives, "_write", lambda *_: pytest.fail("something is written"))
    assert "become more than 64 MiB" in refused(tmp_path / "a.zip", tmp_path / "unpacked")


def test_a_zip_that_holds_more_than_it_declares(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("big", 0, bytes(9999)))
    content = path.read_bytes()
    assert content.count((9999).to_bytes(4, "little")) == 4
    path.write_bytes(content.replace((9999).to_bytes(4, "little"), (5).to_bytes(4, "little")))
    assert "is damaged" in refused(path, tmp_path / "unpacked")


def test_a_header_of_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    """A gzip of a megabyte whose one pax header expands to a gigabyte."""
    path = tmp_path / "a.tgz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(member("x", tarfile.XHDTYPE, size=2**30).tobuf())
        for _ in range(64):
            file.write(bytes(2**24))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "the header of a file is larger than 1 MiB" in refused(path, tmp_path / "unpacked")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize("make", [tar, lambda path: tar(path, mode="w:gz"), zipped])
def test_a_truncated_archive(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / "archive")
    content = path.read_bytes()
    for end in (0, 1, 3, 100, 600, len(content) // 2, len(content) - 30):
        if path.write_bytes(content[:end]) and make is tar and end > len(content) - 1000:
            continue  # without its closing zeros a tar is whole
        assert "is damaged" in refused(path, tmp_path / "unpacked"), end


@pytest.mark.parametrize(("mode", "kind"), [("w:bz2", "bzip2"), ("w:xz", "xz")])
def test_another_format_is_not_called_damaged(tmp_path: Path, mode: str, kind: str) -> None:
    message = refused(tar(tmp_path / "a.tar", mode=mode), tmp_path / "unpacked")
    assert f"it is compressed with {kind}, and only tar, tar.gz and zip are read" in message


@pytest.mark.parametrize("make", [tar, lambda path, info: zipped(path, (info.name, 0, b"x"))])
def test_a_name_longer_than_the_disk_allows(tmp_path: Path, make: Callable[..., Path]) -> None:
    message = refused(make(tmp_path / "a", member("x" * 300)), tmp_path / "unpacked")
    assert f"'{'x' * 40}...' is too long a name for this disk" in message


def test_the_checksum_of_a_gzip_is_read(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tgz", mode="w:gz")
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    assert "is damaged (CRC check failed" in refused(path, tmp_path / "unpacked")


def test_a_gzip_that_goes_on_after_its_last_file(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tgz", mode="w:gz")
    with gzip.open(path, "ab") as file:
        file.write(bytes(2**22))
    assert "more than 1 MiB follow its last file" in refused(path, tmp_path / "unpacked")


def test_a_damaged_header_is_not_the_end(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar")
    content = bytearray(path.read_bytes())
    content[content.rindex(b"ustar") - 200] ^= 1
    path.write_bytes(content)
    assert "is damaged (bad checksum)" in refused(path, tmp_path / "unpacked")


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
        assert {entry.name for entry in tmp_path.iterdir()} == {"archive"}
    assert "InputError" in outcomes


def test_more_than_the_disk_has_room_for(tmp_path: Path, small_disk: Path) -> None:
    for archive in (tar(tmp_path / "a.tar", member("zeros", size=600_000)), tmp_path / "b.zip"):
        if archive.suffix == ".zip":
            zipped(archive, ("zeros", 0, bytes(600_000)))
        with pytest.raises(OSError, match="unpacks to more than the 0 MiB that are free"):
            unpack(archive, small_disk / "unpacked")
        assert not list(small_disk.iterdir())
