"""The report: self-contained HTML pages from the plans, tables, runs and images of benchmarks."""

from difnet.report.closing import closing_lines
from difnet.report.render import render

__all__ = ["closing_lines", "render"]
