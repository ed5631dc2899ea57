"""Files that may be missing or damaged: then empty, with a remark, never filled in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from difnet.config import InputError
from difnet.tables import Table

Row = TypeVar("Row")


def read_rows(table: Table[Row], path: Path, problems: list[str]) -> list[Row]:
    """The rows of a table; none, and a remark in `problems`, where it cannot be had whole."""
    try:
        return table.rows(table.read(path))
    except InputError as error:
        problems.append(str(error))
        return []


def read_json(path: Path, problems: list[str]) -> dict[str, Any]:
    """A JSON object; an empty one, and a remark in `problems`, where it cannot be had."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(f"{path} does not exist")
        return {}
    except (ValueError, OSError) as error:
        problems.append(f"{path} cannot be read: {error}")
        return {}
    if not isinstance(content, dict):
        problems.append(f"{path} holds no object")
        return {}
    return content
