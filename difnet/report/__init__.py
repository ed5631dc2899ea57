"""The report: self-contained HTML pages from the plans, tables, runs and images of benchmarks."""

from difnet.report.render import render

__all__ = ["render"]
