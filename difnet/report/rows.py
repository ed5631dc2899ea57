"""Rows of the tables: none where a table is missing or damaged; what they mean where they are there."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple, TypeVar

from difnet.config import InputError
from difnet.tables import NETWORK, ComparisonRow, GrowthRow, Table, TimingRow

Row = TypeVar("Row")

LEVEL = 0.05
"""Corrected p-values below it count as a difference."""
FEATURES = {
    "trained": "features of a trained network",
    "start": "features of a network at its start",
    "random": "random features",
    "": "its own features",
}
"""What an operator was given, in words."""
OPERATORS = {
    "plain_walk": "one walk, P built",
    "fused_walk": "one walk, fused",
    "cascade": "cascade of five levels",
    "cascade_graph": "cascade of five levels (CUDA graph)",
    "dense_inverse_cupy": "dense inverse (CuPy)",
    "dense_inverse_graph": "dense inverse (CUDA graph)",
    "dense_inverse_scipy": "dense inverse (SciPy)",
    "dense_inverse_torch": "dense inverse (PyTorch)",
    "iterative_inverse": "iterative inverse",
}
"""The timed operators as a reader calls them."""


def read_rows(table: Table[Row], folder: Path, problems: list[str]) -> list[Row]:
    """The rows of a table in a folder; none, and a remark in `problems`, where it cannot be had whole."""
    try:
        return table.rows(table.read(folder / table.name))
    except InputError as error:
        problems.append(str(error))
        return []


class Setting(NamedTuple):
    """What was timed, on what."""

    subject: str
    device: str
    dtype: str
    classes: int
    batch: int
    features: str

    @property
    def words(self) -> str:
        """All but the subject, for small type."""
        return (
            f"{self.device}, {self.dtype}, {self.classes} classes, batch {self.batch}, "
            f"{FEATURES[self.features]}"
        )


def setting(row: TimingRow | GrowthRow) -> Setting:
    """What a row of `timing.csv` or `growth.csv` was measured on."""
    return Setting(row.subject, row.device, row.dtype, row.classes, row.batch, row.features)


def timed_variant(timing: TimingRow) -> str:
    """The variant whose whole network was timed; empty for an operator."""
    return timing.subject.removeprefix(NETWORK) if timing.subject.startswith(NETWORK) else ""


def operator_title(subject: str) -> str:
    """What a reader calls an operator; one that has no title goes by its name."""
    name = subject.removesuffix("_solve_only")
    title = OPERATORS.get(name, name)
    return title if name == subject else f"{title}, solution alone"


def measured(timing: TimingRow) -> bool:
    """Whether there is a value."""
    return timing.status == "ok" and math.isfinite(timing.value)


def status_words(status: str) -> str:
    """`not_run (no GPU)` as `not run: no GPU`; `undefined` where there should be a value."""
    name, _, reason = status.partition("(")
    words = name.strip().replace("_", " ")
    if words in {"", "ok"}:
        words = "undefined"
    return f"{words}: {reason.rstrip(')')}" if reason else words


def direction(comparison: ComparisonRow) -> str:
    """`higher`, `lower` or `undecided`.

    A difference counts if its corrected p-value is below 0.05; where there is none, too little was run.
    """
    if not comparison.p_adjusted < LEVEL or comparison.difference == 0:
        return "undecided"
    return "higher" if comparison.difference > 0 else "lower"
