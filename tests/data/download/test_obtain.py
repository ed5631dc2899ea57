"""Obtaining a data set: what is downloaded, what is left alone, and what several processes do."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from difnet.config import InputError, RunError
from difnet.data.dataset import Archive, Colour, Dataset, Sample
from difnet.data.download import fetch as fetch_module
from difnet.data.download.obtain import obtain
from tests.data.download.loopback import Server, cut, other_bytes, serve, status
from tests.data.download.twigs import FILE, pack, published, run, start
from tests.machine.test_locking import waited

CONTENT = pack()


class Twigs(Dataset):
    title: ClassVar[str] = "Twigs"
    citation: ClassVar[str] = "made by the tests"
    archive: Archive

    def archives(self) -> tuple[Archive, ...]:
        return (self.archive,)

    def classes(self) -> dict[str, Colour]:
        return {}

    def samples(self) -> dict[str, list[Sample]]:
        return {}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(fetch_module, "PAUSE", 0.001)
    with serve(CONTENT) as running:
        yield running


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that DIFNET_DATA names; it is not there yet."""
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def files(root: Path) -> list[str]:
    """All files below a folder, locks left out."""
    paths = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(str(path.relative_to(root)) for path in paths)


WHOLE = [f"forest/twigs/{kind}/{number:04d}.png" for kind in ("images", "labels") for number in range(4)]


def test_a_missing_folder_is_downloaded_once(
    server: Server, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twigs = Twigs(archive=published(server))
    for _ in range(2):
        obtain(twigs)
        assert files(root) == WHOLE
    assert server.ranges == [None]
    assert capsys.readouterr().err == f"{FILE}: unpacking into {root / 'forest' / 'twigs'}\n"


def test_a_folder_that_is_there_needs_no_server_and_no_permission(
    server: Server, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "forest" / "twigs").mkdir(parents=True)
    obtain(Twigs(archive=published(server)))
    assert [path.name for path in root.iterdir()] == ["forest"] and not server.ranges
    assert capsys.readouterr().err == ""


def test_the_users_archive_is_used_and_stays(server: Server, root: Path) -> None:
    root.mkdir()
    (root / FILE).write_bytes(CONTENT)
    obtain(Twigs(archive=published(server)))
    assert files(root) == sorted([*WHOLE, FILE]) and (root / FILE).read_bytes() == CONTENT
    assert not server.ranges


def test_a_wrong_archive_of_the_user_is_named_and_stays(server: Server, root: Path) -> None:
    root.mkdir()
    (root / FILE).write_bytes(CONTENT[:-1])
    with pytest.raises(
        InputError, match=rf"{FILE}: its sha256 is \w+, not \w+ as published; put a sound copy"
    ):
        obtain(Twigs(archive=published(server)))
    assert files(root) == [FILE] and (root / FILE).read_bytes() == CONTENT[:-1]
    assert not server.ranges


def test_an_archive_of_the_user_that_cannot_be_read(server: Server, root: Path) -> None:
    (root / FILE).mkdir(parents=True)
    message = (
        f"{root / FILE}: cannot be read: Is a directory; put a sound copy there, or remove it to download"
    )
    with pytest.raises(InputError, match=message):
        obtain(Twigs(archive=published(server)))
    assert not server.ranges


def test_an_archive_of_the_user_that_is_a_pipe(server: Server, root: Path) -> None:
    root.mkdir()
    os.mkfifo(root / FILE)
    with pytest.raises(InputError, match=f"{FILE}: is no regular file; put a sound copy there"):
        obtain(Twigs(archive=published(server)))
    assert not server.ranges


@pytest.mark.parametrize("place", ["forest", "forest/twigs"])
@pytest.mark.parametrize("link", [False, True])
def test_what_is_in_the_way_is_named_before_the_download(
    server: Server, root: Path, place: str, link: bool
) -> None:
    (root / place).parent.mkdir(parents=True)
    if link:
        (root / place).symlink_to("nowhere")
    else:
        (root / place).touch()
    with pytest.raises(
        InputError, match=f"^{root / place}: is no folder, and in the way of .*forest/twigs; "
    ):
        obtain(Twigs(archive=published(server)))
    assert not server.ranges and os.path.lexists(root / place)


def test_a_link_to_another_disk(server: Server, root: Path, small_disk: Path) -> None:
    """The folder is unpacked on the disk where it stays: no rename leads from one to the other."""
    root.mkdir()
    (root / "forest").symlink_to(small_disk)
    obtain(Twigs(archive=published(server)))
    assert files(small_disk / "twigs") == [name.removeprefix("forest/twigs/") for name in WHOLE]
    assert [path.name for path in small_disk.iterdir()] == ["twigs"]
    assert not (root / ".downloads" / FILE).exists()


def test_a_neighbour_of_the_folder_stays(server: Server, root: Path) -> None:
    (root / "forest" / "leaves").mkdir(parents=True)
    obtain(Twigs(archive=published(server)))
    assert files(root) == WHOLE and (root / "forest" / "leaves").is_dir()


@pytest.mark.parametrize("fault", [other_bytes, status(404)])
def test_what_the_server_does_not_deliver_can_be_put_there(server: Server, root: Path, fault: object) -> None:
    server.faults = [fault]  # type: ignore[list-item]
    with pytest.raises(RunError, match=rf"{FILE}: .*, or put {FILE} into {root}$"):
        obtain(Twigs(archive=published(server)))
    assert not files(root)


def test_an_archive_without_the_folder(server: Server, root: Path) -> None:
    archive = published(server)._replace(folder="forest/leaves")
    with pytest.raises(InputError, match="holds no folder forest/leaves"):
        obtain(Twigs(archive=archive))
    assert not (root / "forest").exists()


def test_what_a_killed_call_left_is_cleared_away(server: Server, root: Path) -> None:
    """Killed after the folder was moved: only the download is left."""
    twigs = Twigs(archive=published(server))
    obtain(twigs)
    work = root / ".downloads" / FILE
    work.mkdir()
    (work / FILE).write_bytes(CONTENT)
    obtain(twigs)
    assert files(root) == WHOLE and not work.exists()


def test_a_full_disk(server: Server, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk has room when it is asked, and then not: the part that fits is kept for the next call."""
    server.content = random.Random(3).randbytes(700_000)
    monkeypatch.setenv("DIFNET_DATA", str(small_disk))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 0, 10**9))
    with pytest.raises(InputError) as error:
        obtain(Twigs(archive=published(server)))
    assert str(error.value) == (
        f"{small_disk}: cannot be written: No space left on device; "
        "free space or set DIFNET_DATA to another folder"
    )
    assert files(small_disk) == [f".downloads/{FILE}/{FILE}.part"]


def test_the_command_downloads_only_when_told_to(server: Server, tmp_path: Path) -> None:
    code, out, err = run(tmp_path, server)
    assert (code, out) == (2, "") and len(err.splitlines()) == 1
    assert "forest/twigs not found at" in err and "run 'difnet prepare twigs --download'" in err
    assert not server.ranges and not (tmp_path / "data").exists() and not (tmp_path / "store").exists()


def test_two_processes_download_once(server: Server, tmp_path: Path) -> None:
    server.faults = [cut(len(CONTENT) // 2)]
    processes = [start(tmp_path, server, "--download") for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0] and "Twigs: 4 train; 2 classes; content" in outputs[0][0]
    assert server.ranges == [None, f"bytes={len(CONTENT) // 2}-"]
    assert files(tmp_path / "data") == WHOLE


def test_who_obtains_waits_and_says_so(
    server: Server, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twigs = Twigs(archive=published(server))
    lock = root / ".downloads" / f"{FILE}.lock"
    said = waited(lock, lambda: obtain(twigs), capsys)
    assert said == f"difnet: waiting for another process, which obtains {FILE}\n"
    assert files(root) == WHOLE
