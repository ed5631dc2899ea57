"""All benchmarks of a report beside each other."""

from __future__ import annotations

import math

from difnet.report.load import Results
from difnet.report.numbers import fixed, interval
from difnet.report.table import Cell, Column, Table, missing


def across_benchmarks(benchmarks: list[Results]) -> Table:
    """Mean mIoU, one row a variant, one column a benchmark."""
    titles: dict[str, str] = {}
    for results in benchmarks:
        titles |= {variant.name: variant.title for variant in results.variants}
    rows = [
        (Cell(text=title, detail=name), *(_miou(results, name) for results in benchmarks))
        for name, title in titles.items()
    ]
    return Table(
        name="benchmarks",
        caption="mIoU on every benchmark. Brackets: 95% interval. Columns are not comparable.",
        columns=(
            Column("Variant", numeric=False),
            *(
                Column(results.config.title, note="synthetic" if results.synthetic else "")
                for results in benchmarks
            ),
        ),
        rows=tuple(rows),
    )


def _miou(results: Results, variant: str) -> Cell:
    estimate = results.estimates["miou"].get(variant)
    if estimate is None or not math.isfinite(estimate.mean):
        return missing()
    return Cell(text=fixed(estimate.mean), value=estimate.mean, detail=interval(estimate.low, estimate.high))
