"""Pretext weights: learned from patches, made once, and what every ResNet of a run starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from difnet.config import DataConfig, InputError, RunConfig, resolve_run
from difnet.data import open_dataset, prepare
from difnet.data.dataset import Patches
from difnet.tables import seal
from difnet.training import train_pretext, train_run
from difnet.training.train_pretext import make_pretext
from tests.conftest import CATALOGUE
from tests.damaged import damaged

START = ("model.weights=pretext", "model.pretext.steps=5", "model.pretext.patches=64")


def run(ablation: str = "cascade", *overrides: str) -> RunConfig:
    return resolve_run(CATALOGUE, benchmark="tiny", ablation=ablation, seed=0, overrides=[*START, *overrides])


def test_patches_show_their_marker_and_repeat() -> None:
    shapes = open_dataset(DataConfig(options={"marker": 13}))
    first, again, other = (shapes.patches(40, seed) for seed in (0, 0, 1))
    assert first is not None and isinstance(first, Patches)
    assert first.images.shape == (40, 32, 32, 3) and first.kinds == 7
    assert (first.images == again.images).all() and (first.shown == again.shown).all()
    assert (first.images != other.images).any()
    assert set(first.shown.tolist()) == set(range(7))


def test_weights_are_made_once_and_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_pretext(run(), tmp_path / "a")
    assert "held-out patches named" in capsys.readouterr().err
    assert make_pretext(run("deeplab"), tmp_path / "a") == path, "of the same depth and width"
    assert capsys.readouterr().err == ""
    written = path.read_bytes()
    path.write_bytes(b"damaged")
    make_pretext(run(), tmp_path / "a")
    assert path.read_bytes() == written


def test_no_damage_is_started_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time the weights are made again."""
    path = make_pretext(run(), tmp_path)
    written = path.read_bytes()
    monkeypatch.setattr(train_pretext, "_trained", lambda _: (torch.nn.Linear(1, 1), 1.0))
    for content in damaged(written):
        path.write_bytes(content)
        seal(path, written)
        assert make_pretext(run(), tmp_path) == path
        assert path.read_bytes() not in (content, written)


def test_other_code_makes_them_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_pretext(run(), tmp_path)
    written = path.stat().st_mtime_ns
    monkeypatch.setattr(train_pretext, "code_sha256", lambda *_, **__: "other")
    make_pretext(run(), tmp_path)
    assert path.stat().st_mtime_ns > written


def test_patches_are_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From 1 in 7 by chance to more than half within 60 steps."""
    easy = ("model.pretext.steps=60", "model.pretext.patches=2000", "data.options.marker=13")
    make_pretext(run("cascade", *easy), tmp_path)
    share = float(capsys.readouterr().err.split("%")[0].split()[-1])
    assert share > 50


def test_both_resnets_of_a_run_start_from_them(tmp_path: Path) -> None:
    config = run("cascade", "train.steps=0")
    prepare(config.data, tmp_path / "data")
    weights = make_pretext(config, tmp_path / "pretext")
    train_run(config, data=tmp_path / "data", out=tmp_path / "run", command="test", pretext=weights)
    start, state = load_file(weights), load_file(tmp_path / "run" / "weights.safetensors")
    for branch in ("seed_branch", "similarity_branch"):
        assert all(torch.equal(state[f"{branch}.resnet.{name}"], start[name]) for name in start)


@pytest.mark.parametrize(
    ("override", "same"),
    [
        ("train.steps=3", True),
        ("model.embedding_dim=8", True),
        ("model.pretext.seed=1", False),
        ("model.width=0.5", False),
        ("model.name=difnet-18", False),
        ("data.options.marker=11", False),
        ("model.width=equal_parameters", False),
    ],
)
def test_the_configuration_that_determines_them_is_their_name_and_part_of_the_run(
    override: str, same: bool
) -> None:
    assert (run().pretext_identity() == run("cascade", override).pretext_identity()) is same
    assert run().training_identity() != run("cascade", override).training_identity()


def test_a_run_from_other_weights_needs_none() -> None:
    assert run("cascade", "model.weights=null").pretext_identity() is None
    assert run("pixel_prior").pretext_identity() is None


@pytest.mark.parametrize(
    ("data", "network", "message"),
    [
        ("camvid", "difnet-nano", "the data set 'camvid' offers no patches; set it to null"),
        ("shapes", "difnet-18-50", "the two ResNets of difnet-18-50 differ; choose one depth"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, data: str, network: str, message: str) -> None:
    config = run("cascade", f"model.name={network}").model_copy(update={"data": DataConfig(name=data)})
    with pytest.raises(InputError, match=f"^model.weights: pretext: {message}"):
        make_pretext(config, tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))
