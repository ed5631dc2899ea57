"""Which weights are kept: the last, or the best on images that are then not scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from difnet.config import InputError
from difnet.evaluation import evaluate_run
from difnet.training import best_weights
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
    assert chosen == {"step": best, "split": "val", "miou": max(scores)}


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
