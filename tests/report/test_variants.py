"""What a reader must know of a variant before comparing it, and where its anchor leads."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from difnet.config import resolve_run, write_yaml
from difnet.report import Selection
from difnet.report.anchors import anchor
from difnet.report.load import Results, load_results
from difnet.report.narrative import summary
from difnet.report.published import published
from difnet.report.records import Estimate
from difnet.report.sections import outcome, overview, trust

ABLATIONS = {
    "cascade": {"title": "Cascade", "question": "?", "tags": ["headline"]},
    "oracle": {
        "title": "Oracle",
        "question": "?",
        "weights_of": "cascade",
        "evaluate": {"oracle_seeds": "1%"},
        "extends": "cascade",
    },
    "walked": {
        "title": "Walked",
        "question": "?",
        "weights_of": "cascade",
        "extends": "cascade",
        "model": {"repeats": 5},
    },
    "explicit": {"title": "Explicit", "question": "?", "extends": "cascade", "model": {"restart": "learned"}},
    "deeplab": {"title": "DeepLab", "question": "?", "model": {"name": "deeplab"}},
}


@pytest.fixture
def results(project: Path) -> Results:
    """Nothing was run, but everything is planned; the benchmark sweeps the restart weight."""
    for name, content in ABLATIONS.items():
        (project / "ablations" / f"{name}.yaml").write_text(yaml.safe_dump(content))
    benchmark = {
        "title": "T",
        "ablations": list(ABLATIONS),
        "sweep": {"model.restart": [0.1]},
        "model": {"name": "difnet-50", "weights": "ResNet50_Weights.IMAGENET1K_V1"},
        "seeds": [0],
    }
    (project / "workflow" / "benchmarks" / "toy.yaml").write_text(yaml.safe_dump(benchmark))
    return load_results(project, project / "results", "toy")


def test_evaluation_only_and_equal_variants_are_labelled(results: Results) -> None:
    notes = {variant.name: variant.notes for variant in results.variants}
    assert notes["oracle"] == (
        "not trained: weights of Cascade",
        "oracle: true labels as seeds, 1% of the pixels",
    )
    assert notes["walked"] == ("not trained: weights of Cascade",)
    assert notes["explicit"] == ("same configuration as the reference here",)
    assert notes["cascade"] == notes["deeplab"] == notes["cascade@restart=0.1"] == ()
    table = outcome.results_table(results)
    lines = {row[0].lines[0]: row[0].lines[1:] for row in table.rows}
    assert lines["oracle"] == list(notes["oracle"])
    assert any(
        "Explicit: same configuration" in check.text for check in trust.build(results).content["checks"]
    )


def test_what_sees_the_truth_is_never_the_best(results: Results) -> None:
    estimates = {
        name: Estimate(mean, mean, mean, 1, "t") for name, mean in (("cascade", 0.4), ("oracle", 0.9))
    }
    known = dataclasses.replace(results, estimates=defaultdict(dict, miou=estimates))
    text = " ".join(map(str, summary(known)))
    assert "0.400" in text and "0.900" not in text and "Oracle</b>" not in text


def test_swept_variants_have_titles_and_anchors_of_their_own(results: Results) -> None:
    assert results.title_of("cascade@restart=0.1") == "Cascade, restart = 0.1"
    anchors = [anchor("toy", "run", variant.name) for variant in results.variants]
    assert len(set(anchors)) == len(anchors)
    assert "toy-run-cascade@restart=0.1" in anchors


def test_anchors_of_different_names_differ() -> None:
    names = ["a b", "a_b", "a.b", "a<b", "a~b", "a@b", "ä"]
    assert len({anchor(name) for name in names}) == len(names)
    assert not any(set(anchor(name)) & set(" <>\"'&#%") for name in names)


def test_only_networks_of_the_paper_have_its_figures(results: Results) -> None:
    figures = {item.name: published("voc2012", item, "miou") for item in results.variants}
    assert figures["cascade"] == figures["explicit"] == 0.7248
    assert figures["deeplab"] == 0.6999
    assert figures["walked"] is figures["oracle"] is figures["cascade@restart=0.1"] is None
    assert all(published("camvid", variant, "miou") is None for variant in results.variants)


def test_the_papers_figures_stand_beside_ours(results: Results) -> None:
    ours = {"deeplab": Estimate(mean=0.6899, low=0.68, high=0.70, seeds=1, unit="")}
    estimates = defaultdict(dict, miou=ours)
    found = dataclasses.replace(results, data={"name": "voc2012"}, estimates=estimates)
    assert 'an mIoU of 0.6999 for DeepLab (here <data value="0.6899">0.6899</data>).' in " ".join(
        summary(found)
    )
    assert not any("the paper reports" in sentence for sentence in summary(results))
    (table,) = trust.build(found).tables.values()
    texts = [[cell.text for cell in row] for row in table.rows]
    assert ["DeepLab", "mIoU", "0.6999", "0.6899", "−0.0100"] in texts


def test_recipe_names_every_augmentation(results: Results, project: Path) -> None:
    changes = ("train.scale=[0.5, 1.4]", "train.crop=321", "train.photometric=true")
    found = load_results(project, project / "results", "toy", Selection(assignments=changes))
    for known, words in (
        (results, "augmentation: random flip"),
        (found, "augmentation: random flip, scale 0.5–1.4, crop 321, photometric changes"),
    ):
        assert overview.build(known).content["facts"]["Recipe"].endswith(words)


def test_selection_replaces_ablations_seeds_and_values(results: Results, project: Path) -> None:
    config = resolve_run(project, benchmark="toy", ablation="cascade", seed=3, overrides=["train.steps=9"])
    run = project / "results" / "toy" / "runs" / "cascade" / "seed3"
    write_yaml(run / "config.yaml", config.model_dump(mode="json"))
    selection = Selection(ablations=("cascade",), seeds=(3,), assignments=("train.steps=9",))
    found = load_results(project, project / "results", "toy", selection)
    assert [variant.name for variant in found.variants] == ["cascade", "cascade@restart=0.1"]
    assert [run.seed for run in found.variants[0].runs] == [3]
    assert found.variants[0].runs[0].current
    assert overview.build(found).content["facts"]["Recipe"].startswith("9 steps")
    assert not load_results(project, project / "results", "toy").variants[0].runs[-1].current
