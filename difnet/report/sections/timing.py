"""Latency, throughput and memory of the operators at several sizes, and of whole networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from difnet.report.figures.plot import SERIES, Plot, new_figure
from difnet.report.figures.scaling import scaling
from difnet.report.figures.side_labels import shorten
from difnet.report.load import Results
from difnet.report.numbers import significant, significant_interval
from difnet.report.page_table import Cell, Column, PageTable, missing
from difnet.report.rows import FEATURES, measured, setting, status_words, timed_variant
from difnet.report.section import Section
from difnet.tables import BUSY, TimingRow

METRICS = {
    "latency_ms": "Latency of a forward pass, ms",
    "forward_backward_ms": "Forward and backward pass, ms",
    "images_per_s": "Throughput, images/s",
    "train_step_ms": "Training step, ms",
    "peak_memory_mb": "Peak memory, MB",
}
LEAST_LABELLED = 0.08
"""Shares below this have no number in their bar."""
LABEL = "#010101"
"""Readable on every bar, on a light page and on a dark one."""


def build(results: Results) -> Section:
    """One table a measure for the operators, one table for whole networks."""
    tables = [
        *(_operators(results, metric) for metric in METRICS),
        _features(results),
        _networks(results),
        _steps(results),
    ]
    plots = [scaling(results), _step_breakdown(results)]
    return Section(
        key="timing",
        title="Time and memory",
        content={
            "threads": results.plan.timing.threads,
            "repeats": results.plan.timing.repeats,
            "company": company(results.timings),
        },
        plots=[plot for plot in plots if plot],
        tables=[table for table in tables if table.rows],
    )


def company(timings: Sequence[TimingRow]) -> str:
    """How alone the measurements were: what other processes took of the processors' time, at worst."""
    shares = [item.foreign_share for item in timings if math.isfinite(item.foreign_share)]
    if max(shares, default=0.0) <= BUSY:
        return "timed with nothing else running"
    return f"timed while other processes took up to {max(shares):.0%} of the processors' time"


def _features(results: Results) -> PageTable:
    """One row a level, at the largest size, one column a statistic."""
    largest = max((item.nodes for item in results.features), default=0)
    rows = [
        (
            Cell(f"level {item.level}", detail=FEATURES[item.features]),
            Cell(significant(item.median_half_norm), value=item.median_half_norm),
            Cell(significant(item.largest_half_norm), value=item.largest_half_norm),
            Cell(f"{item.share_large:.0%}", value=item.share_large),
            Cell(significant(item.entropy), value=item.entropy),
            Cell(f"{item.share_tiny:.0%}", value=item.share_tiny),
        )
        for item in results.features
        if item.nodes == largest
    ]
    words = ("Median |f|²/2", "Largest |f|²/2", "Nodes beyond 40", "Entropy of a row of P", "P below 1e-30")
    return PageTable(
        name="timing-features",
        caption=f"What the operators were given, at N = {largest:,}: norms of the features, and the "
        "transition matrix P that they make. The entropy, in nats, is 0 for the identity and log N where all "
        "nodes are alike.",
        columns=(Column("Level", numeric=False), *(Column(title) for title in words)),
        rows=tuple(rows),
    )


def _operators(results: Results, metric: str) -> PageTable:
    """One row a subject and device, one column a grid size."""
    timings = [item for item in results.timings if item.metric == metric and not timed_variant(item)]
    sizes = sorted({item.nodes for item in timings})
    by_place = {(setting(item), item.nodes): item for item in timings}
    rows = [
        (
            Cell(text=own.subject, detail=own.words),
            *(_cell(by_place.get((own, size))) for size in sizes),
        )
        for own in dict.fromkeys(map(setting, timings))
    ]
    return PageTable(
        name=f"timing-{metric.replace('_', '-')}",
        caption=f"{METRICS[metric]}. Brackets: 95% interval of the median.",
        columns=(Column("Operator", numeric=False), *(Column(f"N = {size:,.0f}") for size in sizes)),
        rows=tuple(rows),
    )


def _networks(results: Results) -> PageTable:
    """One row a network and device, one column a measure."""
    timings = [item for item in results.timings if timed_variant(item)]
    metrics = [metric for metric in METRICS if any(item.metric == metric for item in timings)]
    machines = {(timed_variant(item), item.device, item.dtype): None for item in timings}
    by_place = {(timed_variant(item), item.device, item.dtype, item.metric): item for item in timings}
    rows = [
        (
            Cell(text=results.title_of(name), detail=f"{device}, {dtype}"),
            *(_with_batch(by_place.get((name, device, dtype, metric))) for metric in metrics),
        )
        for name, device, dtype in machines
    ]
    return PageTable(
        name="timing-networks",
        caption="Whole networks at the image size of this benchmark. Brackets: 95% interval of the median.",
        columns=(Column("Network", numeric=False), *(Column(METRICS[metric]) for metric in metrics)),
        rows=tuple(rows),
    )


def _steps(results: Results) -> PageTable:
    """One row a variant, one column a part of a training step."""
    parts = list(dict.fromkeys(item.part for item in results.breakdown))
    by_place = {(item.variant, item.part): item for item in results.breakdown}
    rows = []
    for name in results.in_order([item.variant for item in results.breakdown]):
        shares = [by_place.get((name, part)) for part in parts]
        cells = [
            Cell(significant(item.ms), value=item.ms, detail=f"{item.share:.0%}")
            if item and math.isfinite(item.ms + item.share)
            else missing()
            for item in shares
        ]
        rows.append((Cell(results.title_of(name), detail=name), *cells))
    return PageTable(
        name="timing-step",
        caption="Parts of a training step, ms, and their shares, by PyTorch's profiler.",
        columns=(Column("Network", numeric=False), *(Column(part) for part in parts)),
        rows=tuple(rows),
    )


def _with_batch(timing: TimingRow | None) -> Cell:
    """A cell that also says how large the batch was."""
    cell = _cell(timing)
    if timing is None or not measured(timing):
        return cell
    return replace(cell, detail=f"{cell.detail}\nbatch {timing.batch}".strip())


def _cell(timing: TimingRow | None) -> Cell:
    """A measured value, or the reason why there is none."""
    if timing is None:
        return missing()
    if not measured(timing):
        return missing(status_words(timing.status))
    return Cell(
        text=significant(timing.value),
        value=timing.value,
        detail=significant_interval(timing.ci_low, timing.ci_high),
    )


def _step_breakdown(results: Results) -> Plot | None:
    """One bar a variant, one segment a part of the step."""
    known = [item for item in results.breakdown if math.isfinite(item.share) and item.share >= 0]
    if not known:
        return None
    parts = list(dict.fromkeys(item.part for item in known))
    names = results.in_order([item.variant for item in known])
    shares = {(item.variant, item.part): item.share for item in known}
    figure = new_figure(7.4, 1.3 + 0.3 * len(names))
    axes = figure.subplots()
    left = dict.fromkeys(names, 0.0)
    for place, part in enumerate(parts):
        for row, name in enumerate(names):
            share = shares.get((name, part), 0.0)
            axes.barh(
                row,
                share,
                left=left[name],
                height=0.7,
                color=SERIES[place % len(SERIES)],
                alpha=0.75,
                label=part if row == 0 else None,
            )
            if share >= LEAST_LABELLED:
                middle = left[name] + share / 2
                axes.text(middle, row, f"{share:.0%}", ha="center", va="center", fontsize=8, color=LABEL)
            left[name] += share
    axes.set_yticks(range(len(names)), [shorten(results.title_of(name)) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the time of a training step")
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=len(parts))
    words = ", ".join(f"{part} {shares.get((names[0], part), 0.0):.0%}" for part in parts)
    return Plot(
        name="step-breakdown",
        finding=f"A training step of {results.title_of(names[0])} on {known[0].device}: {words}.",
        caption="Measured with PyTorch's profiler, forward and backward together. Walks: the diffusion rule. "
        "Data: reading and augmenting a batch. Rest: normalisation, loss, optimiser and everything else.",
        figure=figure,
    )
