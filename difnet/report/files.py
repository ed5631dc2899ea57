"""CSV and JSON files that may be missing or broken: then empty, with a remark, never filled in."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

COLUMNS: dict[str, tuple[str, ...]] = {
    "scores": ("variant", "split", "metric", "class", "value"),
    "summary": ("variant", "metric", "split", "mean", "ci_low", "ci_high", "n_seeds", "unit"),
    "comparisons": ("variant", "reference", "metric", "difference", "ci_low", "ci_high", "p_adjusted"),
    "claims": ("claim", "verdict", "evidence"),
    "timing": (
        *("subject", "device", "dtype", "nodes", "classes", "batch"),
        *("metric", "value", "ci_low", "ci_high", "status"),
    ),
    "growth": ("subject", "device", "dtype", "metric", "exponent", "ci_low", "ci_high"),
    "history": ("step", "loss"),
    "breakdown": ("variant", "device", "part", "ms", "share"),
}
"""The columns that the report needs; a table may have others."""
OPTIONAL = {"comparisons": ("detectable", "unit")}
"""Columns that the report also reads where they are."""
WORDS = {
    *("variant", "split", "metric", "class", "unit", "reference", "claim", "verdict", "evidence"),
    *("subject", "device", "dtype", "status", "part"),
}
"""Columns that hold text; the others hold numbers."""


def read_table(path: Path, problems: list[str]) -> pd.DataFrame:
    """The columns of a table that the report reads, by the file's name.

    Args:
        path: The CSV file.
        problems: Takes a remark if the file cannot be had; the table is then empty.
    """
    columns = COLUMNS[path.stem]
    empty = pd.DataFrame({name: pd.Series(dtype="str" if name in WORDS else "float64") for name in columns})
    if not path.is_file():
        problems.append(f"{_label(path)} is missing")
        return empty
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        problems.append(f"{_label(path)} cannot be read: {error}")
        return empty
    if absent := [name for name in columns if name not in table.columns]:
        problems.append(f"{_label(path)} lacks the column{'s' * (len(absent) > 1)} {', '.join(absent)}")
        return empty
    extra = OPTIONAL.get(path.stem, ())
    numeric = [name for name in (*columns, *extra) if name not in WORDS]
    table = table.reindex(columns=[*columns, *extra], fill_value="")
    return table.assign(**{name: table[name].map(_number).astype("float64") for name in numeric})


def read_json(path: Path, problems: list[str]) -> dict[str, Any]:
    """A JSON object; an empty one, and a remark in `problems`, if it cannot be had."""
    if not path.is_file():
        problems.append(f"{_label(path)} is missing")
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        problems.append(f"{_label(path)} cannot be read: {error}")
        return {}
    if not isinstance(content, dict):
        problems.append(f"{_label(path)} holds no object")
        return {}
    return content


def _number(text: str) -> float:
    """The number that a cell holds; NaN for an empty cell or one that holds none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _label(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
