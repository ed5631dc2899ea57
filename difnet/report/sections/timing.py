"""Latency, throughput and memory of the operators at several sizes, and of whole networks."""

from __future__ import annotations

import math
from dataclasses import replace

from difnet.report.figures.breakdown import step_breakdown
from difnet.report.figures.scaling import scaling
from difnet.report.load import Results
from difnet.report.numbers import significant, significant_interval
from difnet.report.records import NETWORK, Timing
from difnet.report.section import Section
from difnet.report.table import Cell, Column, Table, missing

METRICS = {
    "latency_ms": "Latency of a forward pass, ms",
    "forward_backward_ms": "Forward and backward pass, ms",
    "images_per_s": "Throughput, images/s",
    "train_step_ms": "Training step, ms",
    "peak_memory_mb": "Peak memory, MB",
}


def build(results: Results) -> Section:
    """One table a measure for the operators, one table for whole networks."""
    tables = [*(_operators(results, metric) for metric in METRICS), _networks(results), _steps(results)]
    plots = [scaling(results), step_breakdown(results)]
    return Section(
        key="timing",
        title="Time and memory",
        content={"threads": results.config.timing.threads, "repeats": results.config.timing.repeats},
        plots={plot.name: plot for plot in plots if plot},
        tables={table.name: table for table in tables if table.rows},
    )


def _operators(results: Results, metric: str) -> Table:
    """One row a subject and device, one column a grid size."""
    timings = [item for item in results.timings if item.metric == metric and not item.of_network]
    sizes = sorted({item.nodes for item in timings})
    by_place = {(item.setting, item.nodes): item for item in timings}
    rows = [
        (
            Cell(text=setting.subject, detail=setting.words),
            *(_cell(by_place.get((setting, size))) for size in sizes),
        )
        for setting in dict.fromkeys(item.setting for item in timings)
    ]
    return Table(
        name=f"timing-{metric.replace('_', '-')}",
        caption=f"{METRICS[metric]}. Brackets: 95% interval of the median.",
        columns=(Column("Operator", numeric=False), *(Column(f"N = {size:,.0f}") for size in sizes)),
        rows=tuple(rows),
    )


def _networks(results: Results) -> Table:
    """One row a network and device, one column a measure."""
    timings = [item for item in results.timings if item.of_network]
    metrics = [metric for metric in METRICS if any(item.metric == metric for item in timings)]
    by_place = {(item.setting.machine, item.metric): item for item in timings}
    rows = [
        (
            Cell(text=results.title_of(subject.removeprefix(NETWORK)), detail=f"{device}, {dtype}"),
            *(_with_batch(by_place.get(((subject, device, dtype), metric))) for metric in metrics),
        )
        for subject, device, dtype in dict.fromkeys(item.setting.machine for item in timings)
    ]
    return Table(
        name="timing-networks",
        caption="Whole networks at the image size of this benchmark. Brackets: 95% interval of the median.",
        columns=(Column("Network", numeric=False), *(Column(METRICS[metric]) for metric in metrics)),
        rows=tuple(rows),
    )


def _steps(results: Results) -> Table:
    """One row a variant, one column a part of a training step."""
    parts = list(dict.fromkeys(item.part for item in results.breakdown))
    by_place = {(item.variant, item.part): item for item in results.breakdown}
    rows = []
    for name in results.in_order(list(dict.fromkeys(item.variant for item in results.breakdown))):
        shares = [by_place.get((name, part)) for part in parts]
        cells = [
            Cell(significant(item.ms), value=item.ms, detail=f"{item.share:.0%}")
            if item and math.isfinite(item.ms + item.share)
            else missing()
            for item in shares
        ]
        rows.append((Cell(results.title_of(name), detail=name), *cells))
    return Table(
        name="timing-step",
        caption="Parts of a training step, ms, and their shares, by PyTorch's profiler.",
        columns=(Column("Network", numeric=False), *(Column(part) for part in parts)),
        rows=tuple(rows),
    )


def _with_batch(timing: Timing | None) -> Cell:
    """A cell that also says how large the batch was."""
    cell = _cell(timing)
    if timing is None or not timing.measured:
        return cell
    return replace(cell, detail=f"{cell.detail}\nbatch {timing.setting.batch:g}".strip())


def _cell(timing: Timing | None) -> Cell:
    """A measured value, or the reason why there is none."""
    if timing is None:
        return missing()
    if not timing.measured:
        return missing(timing.status_words)
    return Cell(
        text=significant(timing.value),
        value=timing.value,
        detail=significant_interval(timing.low, timing.high),
    )
