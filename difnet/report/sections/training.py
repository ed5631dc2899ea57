"""How training went, and what the diffusion learned."""

from __future__ import annotations

from difnet.report.figures.course import training_course
from difnet.report.figures.curves import learning_curves
from difnet.report.figures.level_weights import level_weights
from difnet.report.load import Results
from difnet.report.section import Section


def build(results: Results) -> Section:
    """Learning curves, learned restart and skip weights, and the claims' differences along training."""
    plots = [learning_curves(results), level_weights(results), training_course(results)]
    return Section(key="training", title="Training", plots=[plot for plot in plots if plot])
