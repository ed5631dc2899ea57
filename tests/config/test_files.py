"""Files are written whole or not at all; YAML says what it seems to say."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from difnet.config import InputError, atomic_path, read_yaml, write_text
from difnet.config.files import parse_yaml


def test_failure_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "former")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "former"


def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file where a folder should be")
    with pytest.raises(InputError, match=r"results/table.csv: cannot be written: .*choose another folder"):
        write_text(tmp_path / "results" / "table.csv", "x")


def test_full_disk_is_one_line(small_disk: Path) -> None:
    path = small_disk / "table.csv"
    write_text(path, "former")
    with pytest.raises(
        InputError, match=r"table.csv: cannot be written: No space left on device; free space"
    ):
        write_text(path, "x" * 2**20)
    assert [file.name for file in small_disk.iterdir()] == ["table.csv"]
    assert path.read_text() == "former"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("True", "True"),
        ("1:30", "1:30"),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("2001-01-01", "2001-01-01"),
        ("12", 12),
        ("-3", -3),
        ("+7", 7),
        ("0", 0),
        ("2.5e-3", 0.0025),
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-0.5", -0.5),
        ("", None),
        ("~", None),
        ("null", None),
        ("'12'", "12"),
        ("1e", "1e"),
        ("e3", "e3"),
    ],
)
def test_plain_words_are_what_they_seem(text: str, value: object) -> None:
    found = parse_yaml(f"key: {text}")["key"]
    assert (type(found), found) == (type(value), value)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(number=st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_are_read_back(number: float) -> None:
    assert parse_yaml(yaml.safe_dump({"key": number})) == {"key": number}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: {{ name }}\n", "own.yaml:1: not valid YAML: a key is a word or a number"),
        ("a: 1\n? [1, 2]\n: 3\n", "own.yaml:2: not valid YAML: a key is a word or a number"),
        ("a: 1\na: 2\n", "own.yaml:2: not valid YAML: the key 'a' is there twice"),
        (f"a: {'9' * 5000}\n", "own.yaml: not valid YAML: Exceeds the limit"),
        ("a: " + "[" * 5000, "own.yaml: not valid YAML: it is nested too deeply"),
        (
            "a: !!python/object:os.system {}\n",
            "own.yaml:1: not valid YAML: could not determine",
        ),
        ("a: \x00\n", "own.yaml: not valid YAML"),
    ],
)
def test_odd_yaml_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        read_yaml(tmp_path / "own.yaml", Path("own.yaml"))
    assert str(error.value).startswith(message)


def test_read_only_file_systems_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They refuse to delete what is not there too."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for method in ("unlink", "write_text"):
        monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(InputError, match=r"table\.csv: cannot be written: Read-only file system; choose"):
        write_text(tmp_path / "table.csv", "x")


def test_two_processes_write_one_file_by_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with atomic_path(tmp_path / "a.csv") as first:
        first.write_text("first")
        monkeypatch.setattr(os, "getpid", os.getppid)
        with atomic_path(tmp_path / "a.csv") as second:
            second.write_text("second")
        assert (tmp_path / "a.csv").read_text() == "second"
    assert (tmp_path / "a.csv").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from difnet.config import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as path: path.write_text('half'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.csv")], check=False)
    assert len(list(tmp_path.glob(".a.*.partial.csv"))) == 1
    write_text(tmp_path / "a.csv", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_half_a_character_has_a_line(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text('question: Q\ntitle: "\\ud83d"\n')
    with pytest.raises(InputError, match=r"own\.yaml:2: not valid YAML: half of a surrogate pair"):
        read_yaml(path)
