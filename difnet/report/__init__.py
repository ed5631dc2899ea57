"""The report: one self-contained HTML page from the tables, runs and images of finished benchmarks."""

from difnet.report.records import Selection
from difnet.report.render import render

__all__ = ["Selection", "render"]
