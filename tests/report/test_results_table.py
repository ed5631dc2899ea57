"""The words beside the numbers: how images are predicted, where that is not once at their own size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from difnet.config import EvaluateConfig, read_plan
from difnet.metrics import METRICS
from difnet.report.load import load_results
from difnet.report.sections.results_table import build, protocol
from tests.report.conftest import Rendered
from tests.report.project import write_plan


@pytest.mark.parametrize(
    ("evaluate", "words"),
    [
        ({"pad": (505, 505)}, "predicted padded to 505 × 505 pixels, which never count. Scores"),
        ({"scales": (0.5,)}, "predicted at scales 0.5. Scores"),
        ({"flip": True}, "predicted with its mirror image, mean of the class probabilities. Scores"),
        ({"scales": (0.5, 1.0)}, "predicted at scales 0.5, 1, mean of the class probabilities. Scores"),
    ],
)
def test_protocol_is_defined_where_it_is_not_one_pass(evaluate: dict[str, object], words: str) -> None:
    ((heading, text),) = protocol(EvaluateConfig.model_validate(evaluate))
    assert heading == "prediction"
    assert words in text


def test_report_says_how_every_variant_is_predicted(project: Path) -> None:
    ablations = {
        "cascade": {"title": "Cascade", "question": "?"},
        "mirrored": {
            "title": "Mirrored",
            "question": "?",
            "weights_of": "cascade",
            "evaluate": {"flip": True},
        },
    }
    for name, content in ablations.items():
        (project / "ablations" / f"{name}.yaml").write_text(yaml.safe_dump(content))
    benchmark = {"title": "T", "ablations": ["mirrored"], "seeds": [0], "evaluate": {"pad": [505, 505]}}
    (project / "workflow" / "benchmarks" / "toy.yaml").write_text(yaml.safe_dump(benchmark))
    folder = write_plan(project)
    results = load_results(folder, read_plan(folder))
    notes = {variant.name: variant.notes for variant in results.variants}
    assert notes == {
        "cascade": (),
        "mirrored": ("not trained: weights of Cascade", "scored with evaluate.flip = True"),
    }
    definitions = dict(build(results).content["definitions"])
    assert "505 × 505" in definitions["prediction"]
    assert protocol(EvaluateConfig()) == []


def test_the_table_shows_what_metrics_declare(rendered: Rendered) -> None:
    section = build(rendered.results)
    (table,) = section.tables
    titles = [column.title for column in table.columns]
    compared = ["mIoU", "Δ mIoU", "boundary F-score", "Δ boundary F-score"]
    assert titles[2:8] == [*compared, "pixel accuracy", "Boundary IoU"]
    shown = [metric for metric in METRICS.values() if metric.in_table]
    assert {(metric.title, metric.definition) for metric in shown} == set(section.content["definitions"])


@pytest.mark.parametrize("in_table", ["described", "compared"])
def test_a_new_metric_needs_no_entry_in_the_report(
    rendered: Rendered, monkeypatch: pytest.MonkeyPatch, in_table: str
) -> None:
    new = replace(METRICS["trimap_miou@4"], title="Blur", definition="New.", in_table=in_table)
    monkeypatch.setitem(METRICS, "trimap_miou@4", replace(new, higher_is_better=False))
    results = rendered.results
    section = build(results)
    assert ("Blur", "New.") in section.content["definitions"]
    (table,) = section.tables
    headings = [column.heading for column in table.columns]
    place = headings.index("Blur (lower is better)")
    found = {row[0].text: row[place].value for row in table.rows}
    estimates = results.estimates["trimap_miou@4"]
    assert found == {variant.title: estimates[variant.name].mean for variant in results.variants}
    assert ("Δ Blur (from the reference)" in headings) == (in_table == "compared")


def test_the_highest_score_is_on_top_and_the_best_are_marked(rendered: Rendered) -> None:
    (table,) = build(rendered.results).tables
    titles = [column.title for column in table.columns]
    scores = [row[titles.index("mIoU")].value for row in table.rows]
    assert scores == sorted(scores, reverse=True)
    for metric in ("mIoU", "boundary F-score", "pixel accuracy", "Boundary IoU"):
        place = titles.index(metric)
        best = max(row[place].value for row in table.rows)
        assert [row[place].value for row in table.rows if row[place].best] == [best]


def test_the_best_on_val_stands_beside_the_score_of_the_last_weights(rendered: Rendered) -> None:
    """Labelled as what it is; no other number of the report comes from it."""
    results = rendered.results
    cascade = results.variants[0]
    train = cascade.plan.config.train.model_copy(update={"select": "both", "steps": 1000, "select_every": 7})
    planned = cascade.plan.model_copy(
        update={"config": cascade.plan.config.model_copy(update={"train": train})}
    )
    found = [
        {"selected": {"step": 7, "split": "val", "looks": 143, "miou": miou}} for miou in (0.7, 0.8, 0.9)
    ]
    runs = tuple(
        replace(run, environment=run.environment | more)
        for run, more in zip(cascade.runs, found, strict=True)
    )
    looked = replace(results, variants=(replace(cascade, plan=planned, runs=runs), *results.variants[1:]))
    (table,) = build(looked).tables
    place = [column.title for column in table.columns].index("Best mIoU on val")
    assert table.columns[place].note == "by selection, never judged"
    assert (table.rows[0][place].text, table.rows[0][place].detail) == ("0.800", "best of 143 looks at val")
    assert table.rows[1][place].mark == "missing"
    (plain,) = build(results).tables
    assert [cell for cell in table.rows[0] if cell != table.rows[0][place]] == list(plain.rows[0])
