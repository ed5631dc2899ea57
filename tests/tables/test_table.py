"""What is written is read again; what was damaged is refused on one line, as in docs/tables.md."""

from __future__ import annotations

import hashlib
import math
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from difnet.config import InputError
from difnet.tables import HISTORY, SCORES, HistoryRow, ScoreRow, Table, seal, unsealed
from tests.conftest import PROJECT

DOCUMENT = PROJECT / "docs" / "tables.md"
ROWS = [HistoryRow(1, 1.997314, 0.0025, 68.2), HistoryRow(2, 2.005296, 0.00212167, 165.9)]
SCORE = ScoreRow("cascade", 0, "val", "miou", "", 0.5)


def resealed(path: Path, old: str, new: str) -> None:
    """As a version of the suite would leave the file that writes it in another way."""
    path.write_text(path.read_text().replace(old, new, 1))
    seal(path, path.read_bytes())


def of_another_kind(path: Path) -> None:
    SCORES.write(SCORES.frame([SCORE]), path)


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def digest(path: Path) -> Path:
    return path.with_name(".history.csv.sha256")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no such file": Path.unlink,
    "a folder in its place": a_folder,
    "copied without its digest": lambda path: digest(path).unlink(),
    "beside the digest of another file": lambda path: digest(path).write_text("0" * 64 + "  history.csv\n"),
    "empty": lambda path: path.write_text(""),
    "cut short at the end of a line": lambda path: path.write_bytes(path.read_bytes()[:-24]),
    "cut short within a line": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "one bit changed": flipped,
    "a line added": lambda path: path.write_text(path.read_text() + "3,1.9,0.002,160.0\n"),
    "edited in a spreadsheet": lambda path: path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n")),
    "a table of another kind": of_another_kind,
    "a column missing": lambda path: resealed(path, "loss,", ""),
    "a column that is not known": lambda path: resealed(path, "images_per_s\n", "images_per_s,epoch\n"),
    "columns in another order": lambda path: resealed(path, "step,loss", "loss,step"),
    "a word where a number belongs": lambda path: resealed(path, "0.0025", "fast"),
    "a fraction where a whole number belongs": lambda path: resealed(path, "\n1,", "\n1.0,"),
}


def documented() -> dict[str, str]:
    """The message for every case in the table of the documentation."""
    return dict(re.findall(r"^\| ([^|`]+?) \| `(difnet: .+)` \|$", DOCUMENT.read_text(), re.MULTILINE))


def test_the_documentation_has_every_case() -> None:
    assert list(documented()) == list(DAMAGE)


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_one_line_with_file_and_remedy(tmp_path: Path, case: str) -> None:
    path = tmp_path / "history.csv"
    HISTORY.write(HISTORY.frame(ROWS), path)
    DAMAGE[case](path)
    with pytest.raises(InputError) as error:
        HISTORY.read(path)
    assert f"difnet: {error.value}".replace(str(tmp_path), "RUN") == documented()[case]


@given(data=st.data(), of_digest=st.booleans())
def test_any_damage_is_refused_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, of_digest: bool
) -> None:
    """Bytes replaced, put in or taken out anywhere, in the table or in its digest."""
    path = tmp_path_factory.mktemp("table") / "history.csv"
    HISTORY.write(HISTORY.frame(ROWS), path)
    damaged = digest(path) if of_digest else path
    whole = damaged.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 5)))
    damaged.write_bytes(whole[:start] + data.draw(st.binary(max_size=3)) + whole[end:])
    try:
        rows = HISTORY.rows(HISTORY.read(path))
    except InputError as error:
        assert "\n" not in str(error) and str(path) in str(error)
        assert damaged.read_bytes() != whole
    else:
        assert rows == ROWS


@dataclass(frozen=True)
class AnyRow:
    word_: str
    """Any text."""
    count: int
    """Any whole number."""
    value: Annotated[float, "ms"]
    """Any number."""


ANY = Table("any.csv", AnyRow, "difnet any")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"))


@given(st.lists(st.builds(AnyRow, TEXT, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, rows: list[AnyRow]) -> None:
    """To the last digit, with any text, and with the same types where there is no row."""
    path = tmp_path_factory.mktemp("table") / "any.csv"
    ANY.write(ANY.frame(rows), path)
    frame = ANY.read(path)
    assert ANY.rows(frame) == rows
    assert_frame_equal(frame, ANY.frame(rows))


def test_declaration() -> None:
    assert ANY.columns == ["word", "count", "value"]
    assert ANY.types == {"word": str, "count": int, "value": float}
    assert ANY.units == {"value": "ms"}


def test_whole_numbers_and_missing_ones(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    table = SCORES.frame([SCORE]).assign(seed=3.0, value=math.nan, other="left out")
    SCORES.write(table, path)
    assert path.read_text() == "variant,seed,split,metric,class,value\ncascade,3,val,miou,,\n"
    (row,) = SCORES.rows(SCORES.read(path))
    assert (row.seed, row.class_) == (3, "") and math.isnan(row.value)
    assert pd.read_csv(path)["seed"].tolist() == [3], "pandas alone reads it too"


def test_the_digest_is_one_that_sha256sum_checks(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    HISTORY.write(HISTORY.frame(ROWS), path)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest(path).read_text() == f"{content}  history.csv\n"
    assert unsealed(path, made_by="x") == path.read_bytes()
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--status", digest(path).name], cwd=tmp_path, check=True)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    HISTORY.write(HISTORY.frame(ROWS), path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ValueError):
        HISTORY.write(HISTORY.frame(ROWS).assign(step=["one", "two"]), path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
