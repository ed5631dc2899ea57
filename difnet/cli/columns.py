"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import typer


def print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in columns; the last one is text."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for name, *numbers, text in rows:
        cells = [f"{number:>{width}}" for number, width in zip(numbers, widths[1:], strict=True)]
        typer.echo("  " + "  ".join([f"{name:{widths[0]}}", *cells, text]).rstrip())
