"""Bad files of a user, through the real command: one line, as in docs/bad-input.md, and nothing written."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from difnet.cli.main import main
from tests.conftest import PROJECT
from tests.data.files.damage import DAMAGE, NO_FOLDER, png

TABLE = PROJECT / "docs" / "bad-input.md"
FULL_DISK, LIMITED_FILES = "disk full", "limit on the size of files"


def documented() -> dict[str, str]:
    """The message for every case in the table of the documentation."""
    rows = re.findall(r"^\| (.+?) \| `(difnet: .+)` \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def shown(text: str, **places: Path) -> str:
    """A message as the documentation shows it, without what differs from machine to machine."""
    for name, place in places.items():
        text = text.replace(str(place), name)
    return re.sub(r"(long)+long", "long...", re.sub(r"\d+ bytes not", "N bytes not", text))


def command(root: Path, store: Path) -> list[str]:
    return ["difnet", "prepare", "folder", "--root", str(root), "--data", str(store)]


def state(folder: Path) -> dict[str, object]:
    """All that a folder holds, without opening what is no file."""
    return {
        str(path): path.readlink()
        if path.is_symlink()
        else (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


def assert_nothing_stored(store: Path) -> None:
    assert not [path for path in store.rglob("*") if path.name != ".lock"]


def test_the_documentation_has_every_case() -> None:
    assert list(documented()) == [*NO_FOLDER, *DAMAGE, FULL_DISK, LIMITED_FILES]


@pytest.mark.parametrize("case", [*NO_FOLDER, *DAMAGE])
def test_message(
    case: str, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "cannot be read" in case and not Path("/proc/self/mem").exists():
        pytest.skip("needs a file that no one can read")
    root = own / NO_FOLDER.get(case, "")
    if case in DAMAGE:
        DAMAGE[case](own)
    before = state(own)
    monkeypatch.setattr(sys, "argv", command(root, tmp_path / "store"))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.strip().isprintable()
    assert shown(error.strip(), ROOT=own) == documented()[case]
    assert_nothing_stored(tmp_path / "store")
    assert state(own) == before


def run(root: Path, store: Path, *, largest: int = -1) -> str:
    """The one line of the command in a process that may write files of at most `largest` bytes."""
    ended = subprocess.run(
        [sys.executable, "-m", *command(root, store)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # a limit would cut compiled modules short
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest)),
    )
    assert ended.returncode == 2 and ended.stdout == "" and ended.stderr.count("\n") == 1
    return shown(ended.stderr.strip(), ROOT=root, STORE=store)


def test_limited_size_of_files(own: Path, tmp_path: Path) -> None:
    before = state(own)
    assert run(own, tmp_path / "store", largest=10_000) == documented()[LIMITED_FILES]
    assert_nothing_stored(tmp_path / "store")
    assert state(own) == before


def test_full_disk(own: Path, small_disk: Path) -> None:
    (small_disk / "other").write_bytes(bytes(500 * 1024))
    assert run(own, small_disk / "store") == documented()[FULL_DISK]
    assert_nothing_stored(small_disk / "store")


def test_a_warning_of_the_decoder_is_no_second_line(own: Path, tmp_path: Path) -> None:
    """Pillow warns about an image of this size, and refuses larger ones by itself."""
    (own / "images" / "plant1.png").write_bytes(png(10_000, 10_000))
    assert "has more than 40 megapixels" in run(own, tmp_path / "store")
