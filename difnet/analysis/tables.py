"""The CSV files of a benchmark: their columns, and reading and writing them whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from difnet.config.errors import InputError
from difnet.config.files import atomic_path

SCORES = ("variant", "seed", "split", "metric", "class", "value")
SUMMARY = ("variant", "metric", "split", "mean", "ci_low", "ci_high", "n_seeds", "unit")
COMPARISONS = (
    "variant",
    "reference",
    "metric",
    "difference",
    "ci_low",
    "ci_high",
    "p_value",
    "p_adjusted",
    "effect_size",
    "n",
    "n_images",
    "detectable",
    "unit",
)
CLAIMS = ("claim", "verdict", "evidence")
RUNS = ("variant", "seed", "identity", "origin")
TIMING = (
    "subject",
    "device",
    "dtype",
    "nodes",
    "classes",
    "batch",
    "metric",
    "value",
    "ci_low",
    "ci_high",
    "status",
)
GROWTH = ("subject", "device", "dtype", "metric", "exponent", "ci_low", "ci_high")
NUMBERS = ("value", "exponent", "ci_low", "ci_high", "nodes", "seed", "classes", "batch")


def write_csv(frame: pd.DataFrame, columns: tuple[str, ...], path: Path) -> None:
    """Write the columns in this order; floats keep all digits, nan is an empty cell.

    Raises:
        InputError: the file cannot be written.
    """
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, columns=list(columns), index=False)


def read_csv(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a table and check its columns; empty text cells are empty strings, empty numbers nan.

    Raises:
        InputError: no such file, not a CSV table, a column missing, or a word where a number belongs.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; run the stage that writes it first") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path} is not a readable CSV table; write it again") from error
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InputError(f"{path} has no column '{missing[0]}'; expected are {', '.join(columns)}")
    for name in set(columns).intersection(NUMBERS):
        try:
            frame[name] = pd.to_numeric(frame[name].where(~frame[name].isin(["", "nan"])))
        except ValueError as error:
            raise InputError(
                f"{path}: column '{name}' holds something that is not a number: {error}"
            ) from error
    return frame
