"""Latency, throughput and memory of the operators at several sizes, and of whole networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from difnet.report.figures.scaling import scaling, shown_operators
from difnet.report.figures.step_breakdown import step_breakdown
from difnet.report.load import Results
from difnet.report.numbers import MISSING, fixed, interval, listing, significant, significant_interval
from difnet.report.page_table import Cell, Column, PageTable, missing
from difnet.report.rows import (
    FEATURES,
    Setting,
    measured,
    operator_title,
    setting,
    status_words,
    timed_variant,
)
from difnet.report.section import Section
from difnet.tables import BUSY, TimingRow

METRICS = {
    "latency_ms": "Latency of a forward pass, ms",
    "forward_backward_ms": "Forward and backward pass, ms",
    "images_per_s": "Throughput, images/s",
    "train_step_ms": "Training step, ms",
    "peak_memory_mb": "Peak memory, MB",
}
HEADS = {
    "latency_ms": Column("Forward pass", note="ms"),
    "forward_backward_ms": Column("And backward", note="ms"),
    "images_per_s": Column("Throughput", note="images/s"),
    "train_step_ms": Column("Training step", note="ms"),
    "peak_memory_mb": Column("Peak memory", note="MB"),
}
GROWN = {
    "latency_ms": Column("Exponent", note="of time"),
    "peak_memory_mb": Column("Exponent", note="of memory"),
}


def build(results: Results) -> Section:
    """One figure and one small table of the operators; every size, whole networks and steps are folded."""
    folded = [
        *(_operators(results, metric) for metric in METRICS),
        _features(results),
        _networks(results),
        _steps(results),
    ]
    tables = [table for table in (_at_largest(results), *folded) if table.rows]
    plots = [scaling(results), step_breakdown(results)]
    return Section(
        key="timing",
        title="Time and memory",
        content={
            "grid": results.plan.timing,
            "command": results.plan.timing_command,
            "company": company(results.timings),
            "folded": [table for table in folded if table.rows],
        },
        plots=[plot for plot in plots if plot],
        tables=tables,
    )


def company(timings: Sequence[TimingRow]) -> str:
    """How alone the measurements were: what other processes took of the processors' time, at worst."""
    shares = [item.foreign_share for item in timings if math.isfinite(item.foreign_share)]
    if max(shares, default=0.0) <= BUSY:
        return "timed with nothing else running"
    return f"timed while other processes took up to {max(shares):.0%} of the processors' time"


def _at_largest(results: Results) -> PageTable:
    """One row an operator: what it takes at the largest size, and how that grows."""
    timings = shown_operators(results)
    largest = max((item.nodes for item in timings), default=0)
    by_place = {(setting(item), item.metric): item for item in timings if item.nodes == largest}
    costs = [
        metric
        for metric in METRICS
        if metric != "images_per_s" and any(item.metric == metric for item in timings)
    ]
    rows = [
        (
            Cell(operator_title(own.subject), detail=f"{own.subject}, {own.device}, {own.dtype}"),
            *(_cell(by_place.get((own, metric))) for metric in costs),
            *(_exponent(results, own, metric) for metric in GROWN),
        )
        for own in dict.fromkeys(map(setting, timings))
    ]
    return PageTable(
        name="timing-largest",
        caption=f"Operators at N = {largest:,} nodes, and the power of N that they grow with over the last "
        "three sizes. Brackets: 95% interval.",
        columns=(
            Column("Operator", numeric=False),
            *(HEADS[metric] for metric in costs),
            *GROWN.values(),
        ),
        rows=tuple(rows),
    )


def _exponent(results: Results, own: Setting, metric: str) -> Cell:
    """The growth exponent up to the largest size of a setting that was fitted."""
    fits = [item for item in results.growth if setting(item) == own and item.metric == metric]
    if not fits:
        return missing(MISSING)
    last = max(fits, key=lambda item: item.nodes)
    return Cell(
        fixed(last.exponent, 2),
        value=last.exponent,
        detail=interval(last.ci_low, last.ci_high, 2),
        numbers={"CI low": last.ci_low, "CI high": last.ci_high},
    )


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
            Cell(operator_title(own.subject), detail=f"{own.subject}, {own.words}"),
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
    """One row a network, one column a measure."""
    timings = [item for item in results.timings if timed_variant(item)]
    metrics = [metric for metric in METRICS if any(item.metric == metric for item in timings)]
    by_place = {(timed_variant(item), item.metric): item for item in timings}
    rows = [
        (
            Cell(results.title_of(name), detail=name),
            *(_with_setting(by_place.get((name, metric))) for metric in metrics),
        )
        for name in results.in_order([timed_variant(item) for item in timings])
    ]
    devices = listing(sorted({item.device for item in timings}))
    return PageTable(
        name="timing-networks",
        caption=f"Whole networks at the image size of this benchmark, on {devices}. Brackets: 95% interval "
        "of the median.",
        columns=(Column("Network", numeric=False), *(HEADS[metric] for metric in metrics)),
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


def _with_setting(timing: TimingRow | None) -> Cell:
    """A cell that also says in what batch and precision, which may differ between training and answers."""
    cell = _cell(timing)
    if timing is None or not measured(timing):
        return cell
    return replace(cell, detail=f"{cell.detail}\nbatch {timing.batch}, {timing.dtype}".strip())


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
        numbers={"CI low": timing.ci_low, "CI high": timing.ci_high},
    )
