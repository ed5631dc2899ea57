"""A section of the report: a template, what it shows, and the figures and tables it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from difnet.report.figures.plot import Plot
from difnet.report.page_table import PageTable


@dataclass(frozen=True)
class Section:
    """One heading of a benchmark in the report."""

    key: str
    """Its anchor within the benchmark."""
    title: str
    template: str = ""
    """Name of its file in `templates/sections/`; the key by default."""
    content: dict[str, Any] = field(default_factory=dict)
    """Values that only this section's template uses."""
    plots: Sequence[Plot] = ()
    tables: Sequence[PageTable] = ()

    @property
    def file(self) -> str:
        """The template."""
        return f"sections/{self.template or self.key}.html.j2"


def anchor(*parts: str) -> str:
    """An id made of names, whatever characters they hold: `shapes-run-cascade@restart=0.1`.

    What may stand in the fragment of a link stays; any other character becomes its number, so that different
    names have different anchors.
    """
    return "-".join(re.sub(r"[^A-Za-z0-9_.@=,-]", _number, part) for part in parts)


def _number(match: re.Match[str]) -> str:
    return f"~{ord(match[0]):x}~"
