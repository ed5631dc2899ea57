"""A table as a file: its columns are the fields of its row type, and a change behind its back is noticed.

Every file is bound to a digest beside it (`scores.csv` to `.scores.csv.sha256`), which its reader compares:
a table that was cut short, edited or only half copied is one line with the remedy, never other numbers.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_type_hints

import pandas as pd

from difnet.config.errors import InputError
from difnet.config.files import atomic_path, write_text

Row = TypeVar("Row")
"""A frozen dataclass of text, whole numbers and numbers; `class_` is the column `class`."""


@dataclass(frozen=True)
class Table(Generic[Row]):
    """One kind of CSV file.

    Attributes:
        name: Its file name.
        row: Its row type; the fields are the columns, in this order.
        made_by: The command that writes it, for messages.
    """

    name: str
    row: type[Row]
    made_by: str

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [field.name.rstrip("_") for field in fields(self.row)]  # type: ignore[arg-type]

    @property
    def types(self) -> dict[str, type]:
        """Type of each column: str, int or float."""
        return {name.rstrip("_"): hint for name, hint in get_type_hints(self.row).items()}

    @property
    def units(self) -> dict[str, str]:
        """Unit of each column that has one: `ms`, `images/s`."""
        hints = get_type_hints(self.row, include_extras=True)
        found = {name.rstrip("_"): get_args(hint)[1:] for name, hint in hints.items()}
        return {name: str(unit[0]) for name, unit in found.items() if unit}

    def frame(self, rows: Iterable[Row] = ()) -> pd.DataFrame:
        """Rows as a data frame with the column types of this table."""
        values = [astuple(row) for row in rows]  # type: ignore[call-overload]
        return pd.DataFrame(values, columns=self.columns).astype(self.types)

    def rows(self, frame: pd.DataFrame) -> list[Row]:
        """The rows of a data frame that `read` or `frame` returned."""
        return [self.row(*values) for values in frame[self.columns].itertuples(index=False, name=None)]

    def write(self, frame: pd.DataFrame, path: Path) -> None:
        """Write a table, whole or not at all; floats keep all digits, nan is an empty cell.

        Raises:
            InputError: If a file of somebody else is there, the folder cannot be written or the disk is full.
        """
        check_ours(path)
        numbers = {name: kind for name, kind in self.types.items() if kind is not str}
        with atomic_path(path) as temporary:
            frame[self.columns].astype(numbers).to_csv(temporary, index=False, lineterminator="\n")
            seal(path, temporary.read_bytes())

    def read(self, path: Path) -> pd.DataFrame:
        """Read a table that `write` has written.

        Raises:
            InputError: If there is no such file, it is not what was written, its columns are not those of
                this table, or a cell holds text where a number belongs.
        """
        content = unsealed(path, made_by=self.made_by)
        found = content.decode("utf-8", "replace").partition("\n")[0].split(",")
        if found != self.columns:
            raise InputError(
                f"{path}: {self._oddity(found)}; {', '.join(self.columns)} are expected; write it again: "
                f"{self.made_by}"
            )
        table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        for name, kind in self.types.items():
            if kind is not str:
                table[name] = self._numbers(table[name], kind, path)
        return table

    def _oddity(self, found: list[str]) -> str:
        """What is wrong with a list of columns."""
        if missing := [name for name in self.columns if name not in found]:
            return f"has no column '{missing[0]}'"
        if unknown := [name for name in found if name not in self.columns]:
            return f"has an unknown column '{unknown[0]}'"
        return "has its columns in another order"

    def _numbers(self, cells: pd.Series[str], kind: type, path: Path) -> pd.Series[Any]:
        """Cells as numbers; only where they need not be whole, an empty one is nan."""
        numbers = []
        for line, text in enumerate(cells, start=2):
            try:
                numbers.append(int(text) if kind is int else float(text or "nan"))
            except ValueError as error:
                wanted = "whole number" if kind is int else "number"
                raise InputError(
                    f"{path}:{line}: '{text}' in column '{cells.name}' is no {wanted}; write it again: "
                    f"{self.made_by}"
                ) from error
        return pd.Series(numbers, dtype=kind)


def seal(path: Path, content: bytes) -> None:
    """Write the digest that binds a file to its content, as `sha256sum --check` reads it.

    Args:
        path: The file.
        content: What it holds, or is about to hold.
    """
    write_text(seal_of(path), f"{hashlib.sha256(content).hexdigest()}  {path.name}\n")


def check_ours(*paths: Path) -> None:
    """Refuse to write over files that have no digest beside them: nobody of ours has written those.

    Raises:
        InputError: If there is one.
    """
    for path in paths:
        if path.exists() and not (path.is_file() and seal_of(path).exists()):
            raise InputError(
                f"{path}: is there already and not written by difnet; move it away or choose another folder"
            )


def unsealed(path: Path, *, made_by: str) -> bytes:
    """The content of a file, after its digest was compared.

    Args:
        path: The file.
        made_by: The command that writes it, for messages.

    Raises:
        InputError: If the file or its digest does not exist, or they differ.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; write it first: {made_by}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; write it again: {made_by}") from error
    try:
        written = seal_of(path).read_text(encoding="ascii", errors="replace").split()
    except OSError as error:
        raise InputError(
            f"{path} has no digest {seal_of(path).name} beside it, which says that it is whole; copy both, "
            f"or write it again: {made_by}"
        ) from error
    if written[:1] != [hashlib.sha256(content).hexdigest()]:
        raise InputError(
            f"{path} is not what was written: it was cut short or changed; write it again: {made_by}"
        )
    return content


def seal_of(path: Path) -> Path:
    """The file beside another one that holds its digest."""
    return path.with_name(f".{path.name}.sha256")
