"""The figure of what an ablation gains at each value of a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from difnet.config import read_plan
from difnet.report.figures.forest import gains
from difnet.report.figures.plot import WIDE, figure_style
from difnet.report.load import Results, load_results
from difnet.tables import COMPARISONS, ComparisonRow
from tests.report.project import write_plan, write_project, write_rows

SWEPT = {"cascade@embedding_dim=16": 0.03, "cascade@embedding_dim=32": -0.002}
EVIDENCE = {
    "effect_size": 1.0,
    "n": 3,
    "n_images": 9,
    "detectable": 0.01,
    "unit": "3 seeds",
    "confidence": 0.95,
}


def difference(variant: str, reference: str, value: float) -> ComparisonRow:
    p = 0.01 if value > 0.01 else 0.5
    low, high = value - 0.01, value + 0.01
    return ComparisonRow(
        variant, reference, "miou", value, ci_low=low, ci_high=high, p_value=p, p_adjusted=p, **EVIDENCE
    )


@pytest.fixture
def results(tmp_path: Path) -> Results:
    variants = {"deeplab": "Baseline", "cascade": "DifNet"}
    write_project(tmp_path, benchmark="toy", variants=variants, seeds=(0, 1, 2))
    folder = write_plan(tmp_path, sweep={"model.embedding_dim": ["16", "32"]})
    rows = [difference("cascade", "deeplab", 0.02), difference("deeplab@embedding_dim=16", "deeplab", 0.4)]
    for variant, value in SWEPT.items():
        rows += [
            difference(variant, "deeplab", 0.5),
            difference(variant, f"deeplab@{variant.partition('@')[2]}", value),
        ]
    write_rows(COMPARISONS, rows, folder)
    return load_results(folder, read_plan(folder))


def test_each_value_is_compared_with_the_reference_at_that_value(results: Results) -> None:
    plot = gains(results)
    assert plot is not None
    assert plot.finding == (
        "Of 3 compared with Baseline at the same values in mIoU, 2 are higher, 0 lower and 1 undecided."
    )
    with figure_style():
        (axes,) = (axes for axes in plot.draw(WIDE).axes if axes.lines)
    titles = [" ".join(label.get_text().split()) for label in axes.get_yticklabels()]
    assert titles == ["DifNet", "DifNet, embedding_dim = 16", "DifNet, embedding_dim = 32"]
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert dots == [0.02, *SWEPT.values()]


def test_without_a_sweep_there_is_none(results: Results) -> None:
    results.gains.clear()
    assert gains(results) is None


def test_a_swept_reference_is_compared_at_each_value_too(tmp_path: Path) -> None:
    write_project(
        tmp_path, benchmark="toy", variants={"deeplab": "Baseline", "cascade": "DifNet"}, seeds=(0, 1)
    )
    benchmark = tmp_path / "workflow" / "benchmarks" / "toy.yaml"
    reference = "deeplab@embedding_dim=16"
    benchmark.write_text(benchmark.read_text().replace("reference: deeplab", f"reference: {reference}"))
    folder = write_plan(tmp_path, sweep={"model.embedding_dim": ["16", "32"]})
    others = ["deeplab", "cascade", "cascade@embedding_dim=32"]
    rows = [difference(name, reference, 0.5) for name in others]
    rows += [difference("cascade@embedding_dim=16", reference, 0.03), difference("cascade", "deeplab", 0.04)]
    rows += [difference("cascade@embedding_dim=32", "deeplab@embedding_dim=32", 0.05)]
    write_rows(COMPARISONS, rows, folder)
    plot = gains(load_results(folder, read_plan(folder)))
    assert plot is not None and plot.finding.startswith("Of 3 compared with Baseline at the same values")
    with figure_style():
        (axes,) = (axes for axes in plot.draw(WIDE).axes if axes.lines)
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert sorted(dots) == [0.03, 0.04, 0.05]
