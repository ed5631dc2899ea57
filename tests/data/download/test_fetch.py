"""Archives from a real server that breaks connections, ignores ranges, is silent and sends wrong bytes."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from difnet.config import InputError, RunError
from difnet.data.dataset import Archive
from difnet.data.download import fetch as module
from difnet.data.download.fetch import fetch
from tests.data.download.loopback import (
    Delivery,
    Fault,
    Server,
    cut,
    no_length,
    other_bytes,
    other_range,
    redirect,
    said_length,
    serve,
    silence,
    status,
    without_ranges,
)

CONTENT = random.Random(0).randbytes(300_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "PAUSE", 0.001)
    with serve(CONTENT) as running:
        yield running


def archive(server: Server, *, size: int | None = len(CONTENT), content: bytes = CONTENT) -> Archive:
    checksum = f"md5:{hashlib.md5(content).hexdigest()}"
    return Archive(server.url("leaves.tar"), checksum=checksum, folder="leaves", size=size)


def fetched(server: Server, folder: Path, *, size: int | None = len(CONTENT)) -> None:
    """Fetch it; the file must then be right and alone."""
    fetch(archive(server, size=size), folder / "leaves.tar")
    assert (folder / "leaves.tar").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == ["leaves.tar"]


@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_whole_file(
    server: Server, tmp_path: Path, size: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    fetched(server, tmp_path, size=size)
    assert server.ranges == [None]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("faults", "ranges"),
    [
        ([cut(100_000)], [None, "bytes=100000-"]),
        ([cut(100_000), cut(50_000)], [None, "bytes=100000-", "bytes=150000-"]),
        ([cut(0), cut(0)], [None, None, None]),
        ([cut(100_000), without_ranges], [None, "bytes=100000-"]),
        ([cut(100_000), other_range], [None, "bytes=100000-", None]),
        ([cut(100_000), status(416)], [None, "bytes=100000-", None]),
        ([status(503), cut(10), status(429)], [None, None, "bytes=10-", "bytes=10-"]),
    ],
)
def test_a_broken_connection_is_continued(
    server: Server,
    tmp_path: Path,
    faults: list[Fault],
    ranges: list[str | None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for size in (None, len(CONTENT)):
        server.faults, server.ranges = list(faults), []
        fetched(server, tmp_path, size=size)
        (tmp_path / "leaves.tar").unlink()
        assert server.ranges == ranges
        said = capsys.readouterr().err.splitlines()
        assert len(said) == len(ranges) - 1 and all("; next attempt in 0 s" in line for line in said)


def test_what_arrives_is_hashed_once(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after every break: that would read gigabytes each time."""
    hashed: list[int] = []
    digest = hashlib.file_digest

    def counted(file: BinaryIO, algorithm: Callable[[], object]) -> object:
        hashed.append(Path(file.name).stat().st_size)
        return digest(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    server.faults = [cut(100_000), cut(50_000), cut(50_000)]
    fetched(server, tmp_path, size=None)
    assert hashed == [len(CONTENT)]
    (tmp_path / "leaves.tar").rename(tmp_path / "leaves.tar.part")
    fetched(server, tmp_path, size=None)
    assert hashed == [len(CONTENT)] * 2


def test_md5_where_it_is_forbidden_for_security(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on machines in FIPS mode: a published sum only tells a whole file from a broken one."""
    new = hashlib.new

    def restricted(name: str, data: bytes = b"", *, usedforsecurity: bool = True) -> object:
        if usedforsecurity:
            raise ValueError("disabled for FIPS")
        return new(name, data)

    monkeypatch.setattr(hashlib, "new", restricted)
    fetched(server, tmp_path)


def test_a_silent_connection_is_broken_and_continued(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.5)
    server.faults = [silence]
    fetched(server, tmp_path)
    assert server.ranges[:2] == [None, "bytes=150000-"]


def test_many_breaks_are_survived_as_long_as_something_arrives(server: Server, tmp_path: Path) -> None:
    server.faults = [cut(20_000)] * (len(CONTENT) // 20_000 - 1)
    assert len(server.faults) > 2 * module.ATTEMPTS
    fetched(server, tmp_path)


def test_a_server_that_never_gets_farther_is_given_up(server: Server, tmp_path: Path) -> None:
    server.faults = [cut(200_000), *[lambda request: request.deliver(cut=100, ranges=False)] * 50]
    with pytest.raises(RunError, match=r"the connection ended early; 0 MiB are kept; run the command again"):
        fetched(server, tmp_path)
    assert len(server.ranges) == module.ATTEMPTS
    assert (tmp_path / "leaves.tar.part").read_bytes() == CONTENT[:100]
    server.faults = []
    fetched(server, tmp_path)
    assert server.ranges[-1] == "bytes=100-"


@pytest.mark.parametrize("size", [None, len(CONTENT)])
@pytest.mark.parametrize(("kept", "asked"), [(1000, ["bytes=1000-"]), (len(CONTENT), [])])
def test_a_later_call_continues(
    server: Server, tmp_path: Path, kept: int, asked: list[str], size: int | None
) -> None:
    (tmp_path / "leaves.tar.part").write_bytes(CONTENT[:kept])
    fetched(server, tmp_path, size=size)
    assert server.ranges == asked


@pytest.mark.parametrize("length", [1000, len(CONTENT), len(CONTENT) + 1])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_the_beginning_of_another_file_is_not_continued(
    server: Server, tmp_path: Path, length: int, size: int | None
) -> None:
    (tmp_path / "leaves.tar.part").write_bytes(bytes(length))
    fetched(server, tmp_path, size=size)
    assert server.ranges[-1] is None


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (other_bytes, rf"its md5 is [0-9a-f]{{32}}, not {hashlib.md5(CONTENT).hexdigest()} as published"),
        (status(404), "the server answers 404 Not Found"),
        (status(403), "the server answers 403 Forbidden"),
    ],
)
def test_what_will_not_change_is_an_error_at_once(
    server: Server, tmp_path: Path, fault: Fault, message: str
) -> None:
    server.faults = [fault]
    with pytest.raises(RunError, match=message) as error:
        fetched(server, tmp_path)
    assert str(error.value).startswith(server.url("leaves.tar")) and "\n" not in str(error.value)
    assert len(server.ranges) == 1 and not list(tmp_path.iterdir())


def test_another_size_than_published_is_an_error_before_the_download(server: Server, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has 300000 bytes, not 300001 as published"):
        fetched(server, tmp_path, size=300_001)
    assert not list(tmp_path.iterdir())


def test_a_file_of_unsaid_length(server: Server, tmp_path: Path) -> None:
    server.faults = [no_length, no_length]
    fetched(server, tmp_path)
    (tmp_path / "leaves.tar").unlink()
    fetched(server, tmp_path, size=None)
    assert len(server.ranges) == 2


def test_a_file_of_unsaid_length_that_ends_early(server: Server, tmp_path: Path) -> None:
    """Only the checksum tells."""
    server.content = CONTENT[:-1]
    server.faults = [no_length]
    with pytest.raises(RunError, match=r"its md5 is \w+, not \w+ as published"):
        fetch(archive(server, size=None), tmp_path / "leaves.tar")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [None, len(CONTENT)])
@pytest.mark.parametrize("length", ["9" * 5000, "9" * 400, "9" * 16, "-1", "x"])
def test_a_length_that_cannot_be_is_not_believed(
    server: Server, tmp_path: Path, size: int | None, length: str
) -> None:
    server.faults = [said_length(length)]
    fetched(server, tmp_path, size=size)


@pytest.mark.parametrize("size", [None, len(CONTENT)])
@pytest.mark.parametrize(
    "address", ["http://[::1", f"http://{'x' * 80}.org/leaves.tar", "file:///etc/passwd"]
)
def test_a_redirect_to_no_address(server: Server, tmp_path: Path, size: int | None, address: str) -> None:
    server.faults = [redirect(address)]
    with pytest.raises(RunError, match=r"leads to no valid address|the server answers 302") as error:
        fetched(server, tmp_path, size=size)
    assert str(error.value).startswith(f"{server.url('leaves.tar')}: ")
    assert len(server.ranges) == 1 and not list(tmp_path.iterdir())


def test_a_file_that_changes_on_the_server_is_begun_anew(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def former(request: Delivery) -> None:
        request.server.content = bytes(len(CONTENT))
        request.deliver(cut=1000)
        request.server.content = CONTENT

    server.faults = [former]
    fetched(server, tmp_path)
    assert server.ranges == [None, "bytes=1000-", None]
    line = "leaves.tar: does not fit what an earlier connection left; starts again\n"
    assert capsys.readouterr().err.count(line) == 1


def test_no_server(server: Server, tmp_path: Path) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(RunError, match="no connection: Connection refused; 0 MiB are kept"):
        fetched(server, tmp_path)


def test_a_disk_without_room(server: Server, small_disk: Path) -> None:
    server.content = bytes(600_000)
    with pytest.raises(InputError, match=r"1 MiB are needed and 0 MiB free; free space or set DIFNET_DATA"):
        fetch(archive(server, size=600_000), small_disk / "leaves.tar")
    assert not list(small_disk.iterdir())
