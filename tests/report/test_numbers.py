"""Every number on the page is the number in its file."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from difnet.machine.progress import duration
from difnet.report.numbers import fixed, listing, signed, significant
from tests.report.conftest import Rendered
from tests.report.page import small

LABELS = {
    "miou": "mIoU",
    "boundary_f": "boundary F-score",
    "boundary_iou": "Boundary IoU",
    "pixel_accuracy": "pixel accuracy",
}


def read(path: Path) -> pd.DataFrame:
    """A table with every digit of its numbers."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in table.columns:
        try:
            table[name] = [float(text or "nan") for text in table[name]]
        except ValueError:
            continue
    return table


def shown(text: str) -> list[float]:
    """All numbers in a text."""
    return [
        float(number) for number in re.findall(r"[-+]?\d+(?:\.\d+)?", text.replace("−", "-").replace(",", ""))
    ]


@pytest.mark.parametrize("metric", LABELS)
def test_means_and_intervals_equal_summary_csv(rendered: Rendered, metric: str) -> None:
    summary = read(rendered.folder / "summary.csv")
    summary = summary[summary["metric"] == metric].set_index("variant")
    rows = rendered.page.table("toy-table-results")
    assert {row["Variant"].all("small")[0].text for row in rows} == set(summary.index)
    for row in rows:
        truth = summary.loc[row["Variant"].all("small")[0].text]
        cell = row[LABELS[metric]]
        assert float(cell.attributes["data-value"]) == truth["mean"]
        assert shown(cell.own_text) == [round(truth["mean"], 3)]
        if math.isfinite(truth["ci_low"]):
            assert shown(small(cell)) == [round(truth["ci_low"], 3), round(truth["ci_high"], 3)]
        else:
            assert small(cell) == ""
        assert float(row["Seeds"].attributes["data-value"]) == truth["n_seeds"]


@pytest.mark.parametrize("metric", ["miou", "boundary_f"])
def test_differences_equal_comparisons_csv(rendered: Rendered, metric: str) -> None:
    table = read(rendered.folder / "comparisons.csv")
    table = table[table["metric"] == metric].set_index("variant")
    for row in rendered.page.table("toy-table-results"):
        name, cell = row["Variant"].all("small")[0].text, row[f"Δ {LABELS[metric]}"]
        if name == "cascade":
            assert cell.own_text == "reference"
            continue
        truth = table.loc[name]
        assert float(cell.attributes["data-value"]) == truth["difference"]
        assert shown(cell.own_text) == [round(truth["difference"], 3)]
        expected = [round(truth[key], 3) for key in ("ci_low", "ci_high", "p_adjusted")]
        assert shown(small(cell)) == [*expected, round(truth["effect_size"], 1)]
        word = (
            "undecided" if truth["p_adjusted"] >= 0.05 else "higher" if truth["difference"] > 0 else "lower"
        )
        assert word in small(cell)


def test_parameters_and_costs_equal_their_files(rendered: Rendered) -> None:
    timing = read(rendered.folder / "timing.csv").set_index(["subject", "metric"])
    for row in rendered.page.table("toy-table-results"):
        name = row["Variant"].all("small")[0].text
        environment = json.loads((rendered.folder / "runs" / name / "seed0" / "environment.json").read_text())
        cell = row["Parameters"]
        assert float(cell.attributes["data-value"]) == environment["parameters"]
        assert shown(cell.own_text) == [float(f"{environment['parameters'] / 1e6:.3g}")]
        for metric, title in (("latency_ms", "Latency"), ("peak_memory_mb", "Peak memory")):
            truth, cell = timing.loc[(f"model:{name}", metric)], row[title]
            assert float(cell.attributes["data-value"]) == truth["value"]
            numbers = shown(cell.own_text + " " + small(cell))
            assert numbers == [float(f"{truth[key]:.3g}") for key in ("value", "ci_low", "ci_high")]


def test_parts_of_a_step_equal_their_file(rendered: Rendered) -> None:
    table = read(rendered.folder / "timing" / "breakdown.csv").set_index(["variant", "part"])
    for row in rendered.page.table("toy-table-timing-step"):
        name = row["Network"].all("small")[0].text
        for part in ("data", "convolutions", "walks", "rest"):
            assert float(row[part].attributes["data-value"]) == table.loc[(name, part), "ms"]
            assert shown(small(row[part])) == [100 * table.loc[(name, part), "share"]]


def test_class_table_holds_means_over_seeds(rendered: Rendered) -> None:
    scores = read(rendered.folder / "scores.csv")
    means = scores[scores["metric"] == "iou"].groupby(["variant", "class"])["value"].mean()
    row = rendered.page.table("toy-table-classes")[0]
    for name in ("background", "blob"):
        assert float(row[name].attributes["data-value"]) == pytest.approx(means["cascade", name], abs=1e-12)


def test_timing_table_shows_values_and_reasons(rendered: Rendered) -> None:
    timing = read(rendered.folder / "timing.csv")
    rows = {row["Operator"].own_text: row for row in rendered.page.table("toy-table-timing-latency-ms")}
    wanted = (timing["subject"] == "cascade") & (timing["metric"] == "latency_ms") & (timing["nodes"] == 1024)
    assert (
        float(rows["cascade of five levels"]["N = 1,024"].attributes["data-value"])
        == timing[wanted]["value"].item()
    )
    assert rows["dense inverse (CuPy)"]["N = 256"].own_text == "not run: no GPU"
    assert rows["dense inverse (PyTorch)"]["N = 4,225"].own_text == "does not fit"


def test_summary_numbers_come_from_the_tables(rendered: Rendered) -> None:
    folder = rendered.folder
    known = {
        value
        for name in ("summary", "comparisons", "timing")
        for value in read(folder / f"{name}.csv").select_dtypes("number").to_numpy().ravel()
    }
    numbers = rendered.page.root.all("data")
    assert len(numbers) >= 4
    for number in numbers:
        assert float(number.attributes["value"]) in known
        assert shown(number.text)[0] == pytest.approx(float(number.attributes["value"]), rel=6e-3)


def test_number_words() -> None:
    assert (fixed(-0.0001), fixed(math.nan), fixed(-0.25)) == ("0.000", "–", "−0.250")
    assert (signed(0.0123), signed(-0.0123), signed(0.0)) == ("+0.012", "−0.012", "0.000")
    assert (significant(1234.5), significant(0.012345), significant(99.96)) == ("1,230", "0.0123", "100")
    assert significant(-5.0) == "−5.00"
    assert (duration(5.21), duration(75), duration(3700)) == ("5.2 s", "1 min 15 s", "1 h 1 min")
    assert (listing([]), listing(["a"]), listing(["a", "b"])) == ("none", "a", "a and b")
    assert listing(list("abcdefgh"), limit=3) == "a, b and 6 more"
