"""Write the part of docs/tables.md that lists every column, from the declarations in difnet/tables.

Example: python scripts/document_tables.py
"""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from pathlib import Path
from typing import Any

from difnet.config.files import write_text
from difnet.tables import Table, run_tables, study_tables, timing_tables

DOCUMENT = Path(__file__).parents[1] / "docs" / "tables.md"
START = "<!-- written by scripts/document_tables.py -->"
MODULES = (run_tables, timing_tables, study_tables)
TYPES = {str: "text", int: "whole number", float: "number"}


def page() -> str:
    """The document with the part below the mark as the declarations say."""
    lines = []
    for module in MODULES:
        lines += ["", f"## {str(module.__doc__).strip().rstrip('.')}"]
        for table in vars(module).values():
            if isinstance(table, Table):
                lines += section(table)
    before = DOCUMENT.read_text(encoding="utf-8").partition(START)[0]
    return f"{before}{START}\n" + "\n".join(lines) + "\n"


def section(table: Table[Any]) -> list[str]:
    """One table in Markdown."""
    words = meanings(table.row)
    return [
        "",
        f"### {table.name}",
        "",
        f"{' '.join(str(inspect.getdoc(table.row)).split())} Written by `{table.made_by}`.",
        "",
        "| column | type | unit | meaning |",
        "|---|---|---|---|",
        *(
            f"| `{name}` | {TYPES[kind]} | {table.units.get(name, '')} | {words[name]} |"
            for name, kind in table.types.items()
        ),
    ]


def meanings(row: type) -> dict[str, str]:
    """The text below each field of a row type."""
    (declaration,) = ast.parse(inspect.getsource(row)).body
    assert isinstance(declaration, ast.ClassDef)
    found = {}
    for field, text in pairwise(declaration.body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            words = " ".join(ast.literal_eval(text.value).split())
            found[ast.unparse(field.target).rstrip("_")] = words.replace("|", "\\|")
    return found


if __name__ == "__main__":
    write_text(DOCUMENT, page())
