"""Differences of the claims' pairs along training."""

from __future__ import annotations

from itertools import groupby

from difnet.report.figures.plot import DASHES, MARKERS, MUTED, SERIES, Plot, new_figure
from difnet.report.figures.side_labels import shorten
from difnet.report.load import Results
from difnet.report.numbers import count, signed

PANELS_A_ROW = 3


def training_course(results: Results) -> Plot | None:
    """One small panel a claim, one line a test."""
    claims = {claim: rows for claim, rows in results.courses.items() if rows}
    if not claims:
        return None
    rows = -(-len(claims) // PANELS_A_ROW)
    figure = new_figure(9.0, 0.5 + 2.3 * rows)
    panels = figure.subplots(rows, PANELS_A_ROW, squeeze=False).ravel()
    for axes, (claim, courses) in zip(panels, claims.items(), strict=False):
        axes.axhline(0, color=MUTED, linewidth=0.8)
        for place, (_, group) in enumerate(groupby(courses, key=lambda row: row.test)):
            course = list(group)
            errors = [
                [row.difference - row.ci_low for row in course],
                [row.ci_high - row.difference for row in course],
            ]
            axes.errorbar(
                [row.step for row in course],
                [row.difference for row in course],
                yerr=errors,
                color=SERIES[place % len(SERIES)],
                linestyle=DASHES[place % len(DASHES)],
                marker=MARKERS[place % len(MARKERS)],
                markersize=4,
                elinewidth=0.8,
                label=shorten(f"− {course[0].reference}", 22),
            )
        axes.set_title(f"{claim}: {courses[0].metric}, {shorten(courses[0].variant, 14)}", fontsize=9)
        axes.legend(fontsize=7)
    for axes in panels[len(claims) :]:
        axes.set_axis_off()
    figure.supxlabel("training step", fontsize=10)
    figure.supylabel("difference", fontsize=10)
    ends = [max(courses, key=lambda row: (-row.test, row.step)) for courses in claims.values()]
    shown = "; ".join(
        f"{row.claim} {row.variant} − {row.reference} {signed(row.difference, 3)} at {row.step:,} steps"
        for row in ends
    )
    return Plot(
        name="training-course",
        finding=f"Differences of {count(len(claims), 'claim')} along training. At the end: {shown}.",
        caption="The difference that each test of a claim compares, after a quarter, half, three quarters "
        "and all of the steps. Bars are 95% t intervals over seeds alone, uncorrected. The learning rate "
        "goes to zero at the last step only, so earlier points are not what shorter trainings would reach.",
        figure=figure,
    )
