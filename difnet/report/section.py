"""A section of the report: a template, what it shows, and the figures and tables it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from difnet.report.figures.plot import Plot
from difnet.report.table import Table


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
    plots: dict[str, Plot] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The template."""
        return f"sections/{self.template or self.key}.html.j2"
