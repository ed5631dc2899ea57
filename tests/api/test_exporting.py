"""Exported networks: a folder that loads as the run did, and a program that needs PyTorch alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import difnet
from difnet.api.exporting import FromBytes, export
from difnet.api.model_card import model_card
from difnet.config import DataConfig, InputError, RunError, RunFolder, load_run, resolve_run
from difnet.data import open_dataset
from difnet.models import build_from_config
from tests.api.test_api import PUBLISHED
from tests.conftest import CATALOGUE, save_weights

CASCADE = PUBLISHED / "runs" / "cascade" / "seed0"
SIZE = (40, 64)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(CASCADE, tmp_path_factory.mktemp("exported") / "cascade", size=SIZE)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def run_program(program: Path, image: np.ndarray, folder: Path) -> np.ndarray:
    """What it returns in a process that imports PyTorch and nothing of this project."""
    np.save(folder / "image.npy", image)
    code = (
        "import sys, numpy, torch; program, folder = sys.argv[1:];"
        "image = torch.from_numpy(numpy.load(f'{folder}/image.npy'))[None];"
        "out = torch.export.load(program).module()(image); assert 'difnet' not in sys.modules;"
        "numpy.save(f'{folder}/out.npy', out.detach().numpy())"
    )
    subprocess.run([sys.executable, "-c", code, str(program), str(folder)], check=True, capture_output=True)
    found: np.ndarray = np.load(folder / "out.npy")
    return found[0]


def test_the_program_is_the_network(exported: Path, image: np.ndarray, tmp_path: Path) -> None:
    found = run_program(exported / "model.pt2", image, tmp_path)
    expected = difnet.load(CASCADE).predict(image).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_deeper_network(image: np.ndarray, tmp_path: Path) -> None:
    config = resolve_run(
        CATALOGUE, benchmark="tiny", ablation="cascade", seed=0, overrides=["model.name=difnet-18"]
    )
    RunFolder(tmp_path / "run").write_config(config, {})
    network = build_from_config(config.model, 7, seed=1).eval()
    save_weights(
        network.state_dict(), tmp_path / "run", classes=open_dataset(DataConfig(name="shapes")).classes()
    )
    export(tmp_path / "run", tmp_path / "out", size=SIZE)
    found = run_program(tmp_path / "out" / "model.pt2", image, tmp_path)
    with torch.no_grad():
        expected = FromBytes(network, config.model.normalisation)(torch.from_numpy(image)[None])
    np.testing.assert_allclose(found, expected[0].numpy(), atol=1e-5)
    assert "It was not scored." in (tmp_path / "out" / "README.md").read_text()


def test_the_folder_loads_as_the_run_did(exported: Path, image: np.ndarray) -> None:
    one, other = difnet.load(exported), difnet.load(CASCADE)
    assert np.array_equal(one.predict(image).probabilities, other.predict(image).probabilities)
    assert {path.name for path in exported.iterdir()} == {
        *("README.md", "ablation", "config.yaml", "environment.json", "model.pt2", "weights.safetensors")
    }


def test_the_card(exported: Path) -> None:
    _, head, text = (exported / "README.md").read_text().split("---\n", 2)
    values = yaml.safe_load(head)
    (result,) = values["model-index"][0]["results"]
    scores = {metric["type"]: metric["value"] for metric in result["metrics"]}
    frames = difnet.study(PUBLISHED)
    own = frames.scores.query("variant == 'cascade' and seed == 0 and metric == 'miou' and `class` == ''")
    mean = frames.summary.query("variant == 'cascade' and metric == 'miou'").iloc[0]
    assert scores["miou"] == pytest.approx(own["value"].item(), abs=1e-6)
    assert values["license"] == "mit" and result["dataset"]["type"] == "shapes"
    assert f"{mean['mean']:.4f} [{mean['ci_low']:.4f}, {mean['ci_high']:.4f}], 5 seeds" in text
    assert "say nothing about photographs" in text and "background, disc, ring" in text


def test_the_card_names_the_backbone() -> None:
    config = load_run(CASCADE)
    model = config.model.model_copy(update={"name": "difnet", "backbone": "timm/convnext_atto"})
    card = model_card(CASCADE, config.model_copy(update={"model": model}), parameters=7, size=None)
    assert "`difnet` on `timm/convnext_atto`, 7 parameters" in card


def test_what_cannot_be_exported(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="taken: is there already; choose another folder"):
        export(CASCADE, tmp_path / "taken")
    half = tmp_path / "half"
    shutil.copytree(CASCADE, half)
    (half / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"weights\.safetensors: does not exist"):
        export(half, tmp_path / "out")
    with pytest.raises(InputError, match="size 0 9: give height and width in pixels"):
        export(CASCADE, tmp_path / "out", size=(0, 9))
    assert {path.name for path in tmp_path.iterdir()} == {"taken", "half"}


def test_a_program_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torch.export.export

    def of_another_network(network: FromBytes, inputs: tuple[torch.Tensor, ...]) -> object:
        for parameter in network.parameters():
            parameter.data.mul_(0.5)
        return whole(network, inputs)

    monkeypatch.setattr(torch.export, "export", of_another_network)
    with pytest.raises(RunError, match=r"model\.pt2: its probabilities differ by"):
        export(CASCADE, tmp_path / "out", size=SIZE)
    assert not any(tmp_path.iterdir())
