"""Differences of the claims' pairs along training."""

from __future__ import annotations

from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from difnet.metrics import METRICS
from difnet.report.figures.plot import MUTED, WIDE, Plot, hint, look, new_figure
from difnet.report.figures.side_labels import LINE, in_lines
from difnet.report.load import Results
from difnet.report.numbers import count, interval, signed
from difnet.tables import CourseRow


def training_course(results: Results) -> Plot | None:
    """One small panel a claim, one line a test."""
    claims = {claim: rows for claim, rows in results.courses.items() if rows}
    if not claims:
        return None
    ends = [max(courses, key=lambda row: (-row.test, row.step)) for courses in claims.values()]
    shown = "; ".join(
        f"{row.claim} {results.title_of(row.variant)} − {results.title_of(row.reference)} "
        f"{signed(row.difference, 3)} at {row.step:,} steps"
        for row in ends
    )
    return Plot(
        name="training-course",
        finding=f"Differences of {count(len(claims), 'claim')} along training. At the end: {shown}.",
        caption="The difference that each test of a claim compares, after a quarter, half, three quarters "
        "and all of the steps. Bars are 95% t intervals over seeds alone, uncorrected. The learning "
        "rate goes to zero at the last step only: earlier points are not what shorter trainings would reach.",
        draw=lambda width: _draw(results, claims, width),
    )


def _draw(results: Results, claims: dict[str, list[CourseRow]], width: float) -> Figure:
    columns = 2 if width == WIDE else 1
    rows = -(-len(claims) // columns)
    lines = max(len({row.test for row in courses}) for courses in claims.values())
    figure = new_figure(width, rows * (2.2 + LINE * lines))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (claim, courses) in zip(panels, claims.items(), strict=False):
        _draw_claim(results, axes, claim, courses)
    for axes in panels[len(claims) :]:
        axes.set_axis_off()
    figure.supxlabel("training step", fontsize=9.5)
    return figure


def _draw_claim(results: Results, axes: Axes, claim: str, courses: list[CourseRow]) -> None:
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for place, (_, group) in enumerate(groupby(courses, key=lambda row: row.test)):
        course = list(group)
        own = look(place)
        bars = axes.errorbar(
            [row.step for row in course],
            [row.difference for row in course],
            yerr=[
                [row.difference - row.ci_low for row in course],
                [row.ci_high - row.difference for row in course],
            ],
            color=own.colour,
            linestyle=own.dash,
            marker=own.marker,
            markersize=4,
            elinewidth=0.8,
            label=in_lines(f"− {results.title_of(course[0].reference)}", 36),
        )
        last = course[-1]
        bounds = interval(last.ci_low, last.ci_high, sign=True)
        words = f"{signed(last.difference)} {bounds}".strip()
        hint(bars.lines[0], f"{results.title_of(last.reference)}, {last.step:,} steps: {words}")
    metric = courses[0].metric
    title = METRICS[metric].title if metric in METRICS else metric
    axes.set_title(in_lines(f"{claim}: {title} of {results.title_of(courses[0].variant)}", 34))
    axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(-0.02, -0.14), borderaxespad=0.0)
