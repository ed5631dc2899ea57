"""Which weights are kept: the last, or the best on images that are then not scored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from difnet.config import InputError, resolve_run
from difnet.data import prepare
from difnet.evaluation import evaluate_run
from difnet.training import best_weights, train_run
from tests.conftest import CATALOGUE
from tests.data import trees
from tests.training.conftest import Trainer, same

BEST = ("train.select=best", "train.select_every=2", "evaluate.split=test")


def test_the_last_by_default(undisturbed: Path, train: Trainer) -> None:
    assert train.config().train.select == "last"
    assert "selected" not in json.loads((undisturbed / "environment.json").read_text())


@pytest.mark.parametrize(
    ("scores", "best"), [([0.1, 0.3, 0.2], 4), ([0.3, 0.3, 0.1], 2), ([0.1, 0.2, 0.4], 6)]
)
def test_the_best_weights_are_kept(
    scores: list[float], best: int, tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    remaining = iter(scores)
    monkeypatch.setattr(best_weights, "validation_miou", lambda *arguments: next(remaining))
    states: dict[int, dict] = {}
    plain = best_weights.keep_if_best

    def keep_if_best(state, *arguments) -> None:
        states[state.step] = {name: tensor.clone() for name, tensor in state.network.state_dict().items()}
        plain(state, *arguments)

    monkeypatch.setattr("difnet.training.loop.keep_if_best", keep_if_best)
    kept = train(tmp_path, *BEST)
    assert sorted(states) == [2, 4, 6]
    assert same(kept, states[best])
    chosen = json.loads((tmp_path / "environment.json").read_text())["selected"]
    assert chosen == {"step": best, "split": "val", "looks": 3, "miou": max(scores)}


def test_choosing_disturbs_no_training_and_survives_interruption(
    tmp_path: Path,
    undisturbed: Path,
    train: Trainer,
    before_step: Callable[[int, Callable[[], object]], None],
) -> None:
    kept = train(tmp_path / "whole", *BEST)
    last = torch.load(tmp_path / "whole" / "checkpoint.pt", weights_only=True)["network"]
    assert same(last, load_file(undisturbed / "weights.safetensors"))

    def interrupt() -> None:
        raise KeyboardInterrupt

    before_step(5, interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts", *BEST)
    assert same(train(tmp_path / "parts", *BEST), kept)
    chosen = [
        json.loads((tmp_path / name / "environment.json").read_text())["selected"]
        for name in ("whole", "parts")
    ]
    assert chosen[0] == chosen[1]


def test_its_score_is_that_of_the_evaluation(tmp_path: Path, train: Trainer) -> None:
    """Chosen on `val`; the same weights, scored on it as a run that chose nothing, have the same mIoU."""
    train(tmp_path, *BEST)
    chosen = json.loads((tmp_path / "environment.json").read_text())["selected"]
    with pytest.raises(InputError, match="chooses the weights on 'val'"):
        evaluate_run(tmp_path, data=train.data, split="val")
    config = tmp_path / "config.yaml"
    by_hand = config.read_text().partition("\n")[2]
    config.write_text(by_hand.replace("select: best", "select: last"))
    environment = tmp_path / "environment.json"  # it would say that the configuration was changed
    record = json.loads(environment.read_text())
    environment.write_text(
        json.dumps({key: record[key] for key in record if key not in ("recipe", "sha256")})
    )
    scores = evaluate_run(tmp_path, data=train.data, split="val")
    miou = scores.loc[(scores["metric"] == "miou"), "value"].iloc[0]
    assert miou == pytest.approx(chosen["miou"], abs=1e-12)


VOC = (
    "model.name=difnet-nano",
    "model.weights=null",
    "train.batch_size=4",
    "train.norm_images=2",
    "train.crop=17",
    "train.steps=6",
    "train.epochs=3",
    "train.select_every=2",
    "train.checkpoint_every=1",
    "train.workers=0",
    "evaluate.pad=[31, 33]",
)
"""The recipe of the authors' code, at the size of a miniature of VOC: three epochs of 4 + 1 images."""


def test_three_epochs_of_voc2012_resume_across_selection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before_step: Callable[[int, Callable[[], object]], None]
) -> None:
    """The last weights are scored, those of the best look stand beside them; equal bits when interrupted."""
    trees.voc2012(tmp_path)
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path))
    config = resolve_run(CATALOGUE, benchmark="voc2012", ablation="cascade", seed=0, overrides=VOC)
    data = tmp_path / "data"
    assert len(prepare(config.data, data).splits["train"].names) == 5
    looks = iter([0.2, 0.3, 0.1] * 2)
    monkeypatch.setattr(best_weights, "validation_miou", lambda *arguments: next(looks))

    def interrupt() -> None:
        raise KeyboardInterrupt

    for name, steps in (("whole", ()), ("parts", (3, 4, 5))):
        for step in steps:
            before_step(step, interrupt)
            with pytest.raises(KeyboardInterrupt):
                train_run(config, data=data, out=tmp_path / name, command="")
        train_run(config, data=data, out=tmp_path / name, command="")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for file in ("weights.safetensors", "best.safetensors"):
        assert (whole / file).read_bytes() == (parts / file).read_bytes(), file
    digest = hashlib.sha256((whole / "best.safetensors").read_bytes()).hexdigest()
    for run in (whole, parts):
        selected = json.loads((run / "environment.json").read_text())["selected"]
        assert selected == {"step": 4, "split": "val", "looks": 3, "miou": 0.3, "weights_sha256": digest}
    last = torch.load(whole / "checkpoint.pt", weights_only=True)["network"]
    assert same(load_file(whole / "weights.safetensors"), last)
    assert not same(load_file(whole / "best.safetensors"), last)


def test_its_looks_are_those_of_the_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Padded with black to the size of validation: a look at the last weights gives their score."""
    trees.voc2012(tmp_path)
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path))
    once = (*VOC, "train.select_every=6")
    config = resolve_run(CATALOGUE, benchmark="voc2012", ablation="cascade", seed=0, overrides=once)
    prepare(config.data, tmp_path / "data")
    train_run(config, data=tmp_path / "data", out=tmp_path / "run", command="")
    chosen = json.loads((tmp_path / "run" / "environment.json").read_text())["selected"]
    scores = evaluate_run(tmp_path / "run", data=tmp_path / "data")
    miou = scores.loc[(scores["metric"] == "miou") & (scores["class"] == ""), "value"].item()
    assert (chosen["step"], chosen["looks"]) == (6, 1)
    assert miou == pytest.approx(chosen["miou"], abs=1e-12)


@pytest.mark.parametrize(
    ("split", "message"),
    [("val", "chooses the weights on 'val', so they cannot be scored on it; set evaluate.split to another")],
)
def test_the_split_of_the_choice_is_not_scored(
    split: str, message: str, tmp_path: Path, train: Trainer
) -> None:
    with pytest.raises(InputError, match=message):
        train(tmp_path / "run", "train.select=best", f"evaluate.split={split}")
    assert not (tmp_path / "run").exists()
