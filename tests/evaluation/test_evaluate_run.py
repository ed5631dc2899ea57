"""Evaluation of a run: scores that follow from known predictions, and one line for what cannot be scored."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from difnet.config import DataConfig, InputError, RunConfig, RunFolder, resolve_run
from difnet.data import load_prepared, prepare
from difnet.evaluation import evaluate_run
from difnet.metrics import confusion_matrix, miou
from difnet.models import build_from_config
from difnet.models.weight_file import write_weights
from difnet.tables import ALONG, SCORES, PerImage
from tests.conftest import CATALOGUE, save_weights
from tests.data import trees


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data")
    prepare(DataConfig(name="shapes", options={"size": 40, "train": 4, "val": 5, "test": 3}), directory)
    return directory


def untrained_run(directory: Path, ablation: str, **weights: torch.Tensor) -> RunConfig:
    """A run directory with weights that were never trained, some of them replaced."""
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation=ablation, seed=4)
    torch.manual_seed(0)
    RunFolder(directory).write_config(config, {})
    save_weights(build_from_config(config.model, 7).state_dict() | weights, directory)
    return config


def test_scores_of_a_constant_prediction(tmp_path: Path, data: Path) -> None:
    counts = torch.zeros(7, 40, 40)
    counts[2] = 1
    untrained_run(tmp_path, "pixel_prior", counts=counts)
    scores = evaluate_run(tmp_path, data=data, split="test")
    labels = np.stack([load_prepared(data).split("test").label(i) for i in range(3)])
    share = (labels == 2).sum() / (labels != 255).sum()
    values = scores.set_index(["metric", "class"])["value"]
    assert values["pixel_accuracy"].item() == pytest.approx(share, abs=1e-12)
    expected = miou(confusion_matrix(np.full_like(labels, 2), labels, 7))
    assert values["miou"].item() == pytest.approx(expected, abs=1e-12)
    assert set(scores["split"]) == {"test"}
    assert set(scores["seed"]) == {4}


def test_files_of_an_evaluation(tmp_path: Path, data: Path) -> None:
    untrained_run(tmp_path, "cascade")
    scores = evaluate_run(tmp_path, data=data)
    pd.testing.assert_frame_equal(SCORES.read(tmp_path / "scores.csv"), scores)
    assert PerImage.read(tmp_path / "per_image.parquet").names == load_prepared(data).split("val").names


def test_scores_along_training_are_those_of_the_weights_at_that_step(tmp_path: Path, data: Path) -> None:
    config = untrained_run(tmp_path / "run", "cascade")
    evaluate_run(tmp_path / "run", data=data)
    assert ALONG.read(tmp_path / "run" / "along.csv").empty
    torch.manual_seed(1)
    network = build_from_config(config.model, 7)
    recorded = json.loads((tmp_path / "run" / "environment.json").read_text())
    digest = write_weights(network, RunFolder(tmp_path / "run").weights_file(2))
    recorded["along_sha256"] = {"2": digest}
    (tmp_path / "run" / "environment.json").write_text(json.dumps(recorded))
    final = evaluate_run(tmp_path / "run", data=data)
    untrained_run(tmp_path / "other", "cascade")
    save_weights(network.state_dict(), tmp_path / "other")
    earlier = evaluate_run(tmp_path / "other", data=data)
    along = ALONG.read(tmp_path / "run" / "along.csv").set_index(["step", "metric"])["value"]
    for step, scores in ((2, earlier), (config.train.steps, final)):
        overall = scores[scores["class"] == ""].set_index("metric")["value"]
        assert along[step].to_dict() == overall[["miou", "boundary_f"]].to_dict()


def test_groups_of_the_images_are_kept_with_their_statistics(tmp_path: Path) -> None:
    root = tmp_path / "own"
    trees.folder(root)
    trees.write_lines(root / "classes.txt", *(f"class_{number}" for number in range(7)))
    trees.write_lines(root / "val.txt", "plant7", "plant3", "plant1")
    groups = {"plant7": "pot", "plant3": "pot", "plant1": "bed"}
    lines = (f"plant{number} {groups.get(f'plant{number}', 'field')}" for number in range(10))
    trees.write_lines(root / "groups.txt", *lines)
    prepare(DataConfig(name="folder", options={"root": str(root)}), tmp_path / "data")
    untrained_run(tmp_path / "run", "cascade")
    evaluate_run(tmp_path / "run", data=tmp_path / "data")
    statistics = PerImage.read(tmp_path / "run" / "per_image.parquet")
    assert dict(zip(statistics.names, statistics.groups, strict=True)) == groups


def test_data_of_another_content_than_those_of_the_training_are_refused(tmp_path: Path, data: Path) -> None:
    untrained_run(tmp_path, "cascade")
    environment = tmp_path / "environment.json"
    record = json.loads(environment.read_text())
    environment.write_text(json.dumps(record | {"data_sha256": load_prepared(data).index.sha256}))
    evaluate_run(tmp_path, data=data)
    (tmp_path / "scores.csv").unlink()
    environment.write_text(json.dumps(record | {"data_sha256": "0" * 64}))
    with pytest.raises(InputError, match=r"was trained on data of another content \(0{16}\) than .* holds"):
        evaluate_run(tmp_path, data=data)
    assert not (tmp_path / "scores.csv").exists()


def test_evaluating_twice_gives_identical_files(tmp_path: Path, data: Path) -> None:
    untrained_run(tmp_path, "dense_inverse")
    evaluate_run(tmp_path, data=data)
    first = (tmp_path / "scores.csv").read_bytes()
    evaluate_run(tmp_path, data=data)
    assert (tmp_path / "scores.csv").read_bytes() == first


@pytest.mark.parametrize(
    "ablation", ["cascade", "dense_inverse", "dense_inverse_solved_iteratively", "deeplab"]
)
def test_weights_that_are_not_finite_are_no_class_0(ablation: str, tmp_path: Path, data: Path) -> None:
    bias = torch.full((7,), torch.nan)
    untrained_run(tmp_path, ablation, **{"seed_branch.classifier.convolutions.0.bias": bias})
    with pytest.raises(InputError, match="values that are not finite"):
        evaluate_run(tmp_path, data=data)
    assert not (tmp_path / "scores.csv").exists()


def weights_of_another_network(run: Path) -> None:
    save_weights({"conv1.weight": torch.zeros(1)}, run)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda run: (run / "weights.safetensors").unlink(), "does not exist; train the run to its end"),
        (lambda run: (run / "weights.safetensors").write_bytes(b"x" * 40), "is not what was trained"),
        (lambda run: (run / "environment.json").unlink(), "is not what was trained"),
        (weights_of_another_network, "its weights are those of another network"),
        (lambda run: (run / "config.yaml").write_text("variant: [\n"), "config.yaml:2: not valid YAML"),
        (lambda run: (run / "config.yaml").unlink(), "config.yaml: cannot be read"),
    ],
)
def test_run_that_cannot_be_scored(tmp_path: Path, data: Path, break_it, message: str) -> None:
    untrained_run(tmp_path, "cascade")
    break_it(tmp_path)
    with pytest.raises(InputError, match=re.escape(message)):
        evaluate_run(tmp_path, data=data)
    assert not (tmp_path / "scores.csv").exists()
