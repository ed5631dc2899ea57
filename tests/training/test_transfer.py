"""Runs that take the weights of another run instead of training."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from difnet.config import DataConfig, InputError, ModelConfig, RunConfig, load_run, resolve_run
from difnet.data import prepare
from difnet.models import build_from_config
from difnet.training import train_run
from tests.conftest import CATALOGUE, save_weights

CLASSES = 7


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data")
    prepare(DataConfig(name="shapes", options={"size": 40, "train": 4, "val": 2, "test": 1}), directory)
    return directory


def config(**model: object) -> RunConfig:
    """A run that takes the weights of `cascade`, with changes of its model."""
    run = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=1)
    changed = ModelConfig.model_validate({**run.model.model_dump(), **model})
    return run.model_copy(update={"variant": "later", "weights_of": "cascade", "model": changed})


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Run directory of the cascade whose weights are taken; the scalars of its rule are 0.25."""
    directory = tmp_path / "runs" / "cascade" / "seed1"
    directory.mkdir(parents=True)
    network = build_from_config(config().model, CLASSES)
    for name, parameter in network.named_parameters():
        if name.startswith("diffusion."):
            parameter.data.fill_(0.25)
    save_weights(network.state_dict(), directory)
    return directory


def take(run: RunConfig, out: Path, data: Path, **arguments: Path) -> dict[str, torch.Tensor]:
    train_run(run, data=data, out=out, command="difnet train", **arguments)
    return load_file(out / "weights.safetensors")


def test_same_network_same_weights_and_the_files_of_a_run(other: Path, tmp_path: Path, data: Path) -> None:
    out = tmp_path / "runs" / "later" / "seed1"
    taken, theirs = take(config(), out, data), load_file(other / "weights.safetensors")
    assert taken.keys() == theirs.keys()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in taken.items())
    assert (out / "history.csv").read_text() == "step,loss,learning_rate,images_per_s\n"
    assert load_run(out).weights_of == "cascade"
    assert json.loads((out / "environment.json").read_text())["wall_s"] == 0
    assert sorted(path.name for path in out.iterdir()) == [
        ".history.csv.sha256",
        "config.yaml",
        "environment.json",
        "history.csv",
        "weights.safetensors",
    ]


def test_another_rule_keeps_its_initial_scalars(other: Path, tmp_path: Path, data: Path) -> None:
    taken = take(config(diffusion="dense_inverse"), tmp_path / "out", data, weights_from=other)
    assert taken["diffusion.alpha"].tolist() == [0.0]
    assert taken["diffusion.mixture"].tolist() == [0.0] * 5
    theirs = load_file(other / "weights.safetensors")
    for name in theirs:
        assert name.startswith("diffusion.") or torch.equal(taken[name], theirs[name])


def test_the_configuration_decides_what_it_fixes(other: Path, tmp_path: Path, data: Path) -> None:
    taken = take(config(restart=0.5, repeats=3), tmp_path / "out", data, weights_from=other)
    assert taken["diffusion.alpha.2"].item() == pytest.approx(0.0)
    assert taken["diffusion.beta.2"].item() == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"importance": False}, "'importance_map.layers.0.bias' is absent here and of shape (7,) there"),
        (
            {"embedding_dim": 32},
            "'similarity_branch.embeddings.image.0.weight' is of shape (32, 3, 1, 1) here",
        ),
        ({"name": "deeplab-nano"}, "is absent here and of shape"),
        ({"levels": ["image", "layer1", "layer2", "layer3"]}, "'similarity_branch.embeddings.layer4"),
    ],
)
def test_other_networks_are_refused(
    other: Path, tmp_path: Path, data: Path, model: dict, message: str
) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        take(config(**model), out, data, weights_from=other)
    assert str(raised.value).startswith(f"{other}: its network differs in more than")
    assert not out.exists()


def test_missing_weights_name_the_command(tmp_path: Path, data: Path) -> None:
    out = tmp_path / "runs" / "later" / "seed1"
    command = "difnet train --benchmark tiny --ablation cascade --seed 1 --out"
    expected = f"holds no finished run; train it first: {command} {tmp_path}/runs/cascade/seed1"
    with pytest.raises(InputError, match=re.escape(expected)):
        take(config(), out, data)
    assert not out.exists()


def test_damaged_weights_are_one_line(other: Path, tmp_path: Path, data: Path) -> None:
    (other / "weights.safetensors").write_bytes(b"x" * 30)
    with pytest.raises(InputError, match=r"weights\.safetensors: is not what was trained"):
        take(config(), tmp_path / "runs" / "later" / "seed1", data)
