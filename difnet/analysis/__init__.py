"""Statistics over runs and the verdicts on the paper's claims; methods in docs/statistics.md."""

from difnet.analysis.analyse_runs import analyse_runs
from difnet.analysis.estimates import Component, Estimate
from difnet.analysis.runs import Run, read_run, read_runs
from difnet.analysis.study import Study

__all__ = ["Component", "Estimate", "Run", "Study", "analyse_runs", "read_run", "read_runs"]
