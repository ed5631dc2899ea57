"""The gallery: predictions are those that were scored, beside them what the network has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from difnet.config import DataConfig, InputError, RunFolder, resolve_run
from difnet.data import load_prepared, prepare
from difnet.evaluation import evaluate_run, write_gallery
from difnet.evaluation.forward_pass import recorded
from difnet.evaluation.write_gallery import typical_run
from difnet.metrics import image_statistics
from difnet.models import build_from_config
from difnet.tables import SCORES, PerImage, ScoreRow
from tests.conftest import CATALOGUE, save_weights

VARIANTS = ("cascade", "deeplab", "dense_inverse", "pixel_prior", "oracle")
SHOWN = [(name, seed) for seed in (0, 1) for name in VARIANTS]
"""The typical seed of each, then the other."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared images, and two scored runs a variant with weights that were never trained."""
    root = tmp_path_factory.mktemp("results")
    prepare(DataConfig(name="shapes", options={"size": 40, "train": 4, "val": 5, "test": 3}), root / "data")
    for variant in VARIANTS:
        for seed in (0, 1):
            run = root / "runs" / variant / f"seed{seed}"
            config = resolve_run(
                CATALOGUE,
                benchmark="tiny",
                ablation="cascade" if variant == "oracle" else variant,
                seed=seed,
                overrides=["evaluate.oracle_seeds=2"] if variant == "oracle" else (),
            ).model_copy(update={"variant": variant})
            torch.manual_seed(seed)
            network = build_from_config(config.model, 7)
            RunFolder(run).write_config(config, {})
            counts = {"counts": torch.rand(7, 40, 40)} if variant == "pixel_prior" else {}
            save_weights(network.state_dict() | counts, run)
            evaluate_run(run, data=root / "data")
    return root


def runs(folder: Path, *variants: str) -> list[Path]:
    return [folder / "runs" / variant / f"seed{seed}" for variant in variants for seed in (1, 0)]


@pytest.fixture(scope="module")
def gallery(folder: Path) -> dict[str, np.ndarray]:
    write_gallery(runs(folder, *VARIANTS), reference="cascade", data=folder / "data", out=folder / "g.npz")
    with np.load(folder / "g.npz", allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def test_index_names_images_and_seeds(gallery: dict[str, np.ndarray]) -> None:
    index = json.loads(str(gallery["index"]))
    assert (index["reference"], index["comparison"]) == ("cascade", "deeplab")
    assert [(item["name"], item["seed"]) for item in index["variants"]] == SHOWN
    reasons = [reason for item in index["images"] for reason in item["reasons"]]
    assert sorted(reasons) == ["best", "fixed", "fixed", "median", "worst"]
    assert [item["name"] for item in index["images"]][:2] == ["val-00000", "val-00004"]


def test_the_typical_seed_is_the_nearest_to_the_median(tmp_path: Path) -> None:
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    runs = {}
    for seed, score in ((4, 0.43), (0, 0.28), (2, 0.44), (1, 0.431), (3, 0.9)):
        rows = [ScoreRow("cascade", seed, "val", "miou", "", score)]
        SCORES.write(SCORES.frame(rows), tmp_path / str(seed) / "scores.csv")
        runs[seed] = tmp_path / str(seed), config.model_copy(update={"seed": seed})
    assert typical_run(runs)[1].seed == 1
    del runs[1], runs[3], runs[4]
    assert typical_run(runs)[1].seed == 0, "of equal ones the lowest"


def test_differences_are_those_of_the_statistics(folder: Path, gallery: dict[str, np.ndarray]) -> None:
    index = json.loads(str(gallery["index"]))
    best = max(index["images"], key=lambda item: item["difference"])
    assert "best" in best["reasons"]
    assert "worst" in min(index["images"], key=lambda item: item["difference"])["reasons"]


def test_predictions_are_those_that_were_scored(folder: Path, gallery: dict[str, np.ndarray]) -> None:
    index = json.loads(str(gallery["index"]))
    split = load_prepared(folder / "data").split("val")
    for place, item in enumerate(index["images"]):
        original = split.names.index(item["name"])
        assert np.array_equal(gallery[f"image/{place}"], split.image(original))
        assert np.array_equal(gallery[f"truth/{place}"], split.label(original))
        for number, (variant, seed) in enumerate(SHOWN):
            scored = PerImage.read(folder / "runs" / variant / f"seed{seed}" / "per_image.parquet").parts
            pair = gallery[f"prediction/{number}/{place}"], split.label(original)
            shown = image_statistics([item["name"]], [pair], 7).parts
            for part in ("intersection", "union"):
                difference = np.abs(shown[part][0] - scored[part][original]).sum()
                assert difference <= 4  # a batch of one may round a tie otherwise


def test_maps_and_walks_of_those_that_have_them(gallery: dict[str, np.ndarray]) -> None:
    assert gallery["scores/0/0"].shape == gallery["importance/0/0"].shape == (6, 6)
    assert gallery["states/0/0"].shape == gallery["states/5/0"].shape == (5, 6, 6)
    assert "importance/1/0" not in gallery and "states/2/0" not in gallery and "scores/3/0" not in gallery
    assert gallery["rows/0"].shape == (6, 36, 36)
    assert gallery["grid/0"].tolist() == [6, 6]
    fixed = [name for name in gallery if name.startswith("rows/")]
    assert fixed == ["rows/0", "rows/1"]


def test_other_seeds_are_kept_of_the_first_variants_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(write_gallery.__globals__, "DETAILED", 2)
    out = folder / "few.npz"
    write_gallery(runs(folder, *VARIANTS), reference="cascade", data=folder / "data", out=out)
    index = json.loads(str(np.load(out)["index"]))
    kept = [(item["name"], item["seed"]) for item in index["variants"]]
    assert kept == [*SHOWN[:5], ("cascade", 1), ("deeplab", 1)]


def test_one_variant_alone_shows_fixed_images(folder: Path) -> None:
    out = folder / "one.npz"
    write_gallery(runs(folder, "deeplab"), reference="deeplab", data=folder / "data", out=out)
    index = json.loads(str(np.load(out)["index"]))
    assert index["comparison"] is None
    assert [item["reasons"] for item in index["images"]] == [["fixed"], ["fixed"]]


def test_mistakes_are_one_line_and_write_nothing(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "gallery.npz"
    with pytest.raises(InputError, match="no run is of the reference 'cascade'"):
        write_gallery(runs(folder, "deeplab"), reference="cascade", data=folder / "data", out=out)
    prepare(DataConfig(name="shapes", options={"size": 40, "train": 4, "val": 4, "test": 3}), tmp_path / "d")
    with pytest.raises(InputError, match=re.escape("per_image.parquet is of other images")):
        write_gallery(runs(folder, *VARIANTS), reference="cascade", data=tmp_path / "d", out=out)
    assert not out.exists()


def test_recording_leaves_the_network_as_it_was(folder: Path) -> None:
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    network = build_from_config(config.model, 7).eval()
    network.load_state_dict(load_file(folder / "runs" / "cascade" / "seed0" / "weights.safetensors"))
    images = torch.randn(1, 3, 40, 40)
    with torch.no_grad(), recorded(network) as record:
        recorded_logits = network(images).logits
    assert len(record.levels) == 5
    assert not network._forward_hooks and not network.diffusion._forward_pre_hooks
    with torch.no_grad():
        assert torch.equal(network(images).logits, recorded_logits)
