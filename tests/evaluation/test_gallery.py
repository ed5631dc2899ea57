"""The gallery: predictions are those that were scored, states and walks those of the operators."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from difnet.config import DataConfig, InputError, ModelConfig, resolve_run, write_yaml
from difnet.data import load_prepared, prepare
from difnet.diffusion import cascade, transition_matrix
from difnet.evaluation import evaluate_run, write_gallery
from difnet.evaluation.record import Record, recorded
from difnet.evaluation.walks import merged_grid, node_classes, states, walks
from difnet.metrics import confusion_matrix, read_statistics
from difnet.models import build_from_config
from difnet.models.diffusion_rules import Cascade, DenseInverse
from tests.conftest import PROJECT

VARIANTS = ("cascade", "deeplab", "dense_inverse", "pixel_prior", "oracle")
LEVELS = ("image", "layer1", "layer2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared images, and two scored runs a variant with weights that were never trained."""
    root = tmp_path_factory.mktemp("results")
    prepare(DataConfig(name="shapes", options={"size": 40, "train": 4, "val": 5, "test": 3}), root / "data")
    for variant in VARIANTS:
        for seed in (0, 1):
            run = root / "runs" / variant / f"seed{seed}"
            config = resolve_run(
                PROJECT,
                benchmark="tiny",
                ablation="cascade" if variant == "oracle" else variant,
                seed=seed,
                overrides=["evaluate.oracle_seeds=2"] if variant == "oracle" else (),
            ).model_copy(update={"variant": variant})
            torch.manual_seed(seed)
            network = build_from_config(config.model, 7)
            write_yaml(run / "config.yaml", config.model_dump(mode="json"))
            counts = {"counts": torch.rand(7, 40, 40)} if variant == "pixel_prior" else {}
            save_file(network.state_dict() | counts, run / "weights.safetensors")
            evaluate_run(run, data=root / "data")
    return root


def runs(folder: Path, *variants: str) -> list[Path]:
    return [folder / "runs" / variant / f"seed{seed}" for variant in variants for seed in (1, 0)]


@pytest.fixture(scope="module")
def gallery(folder: Path) -> dict[str, np.ndarray]:
    write_gallery(runs(folder, *VARIANTS), reference="cascade", data=folder / "data", out=folder / "g.npz")
    with np.load(folder / "g.npz", allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def test_index_names_images_and_first_seeds(gallery: dict[str, np.ndarray]) -> None:
    index = json.loads(str(gallery["index"]))
    assert (index["reference"], index["comparison"]) == ("cascade", "deeplab")
    assert [(item["name"], item["seed"]) for item in index["variants"]] == [(name, 0) for name in VARIANTS]
    reasons = [reason for item in index["images"] for reason in item["reasons"]]
    assert sorted(reasons) == ["best", "fixed", "fixed", "median", "worst"]
    assert [item["name"] for item in index["images"]][:2] == ["val-00000", "val-00004"]


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
        for number, variant in enumerate(VARIANTS):
            table = read_statistics(folder / "runs" / variant / "seed0" / "per_image.parquet")
            prediction = gallery[f"prediction/{number}/{place}"]
            counts = confusion_matrix(prediction, split.label(original), 7)
            scored = table.set_index("image").loc[item["name"], "confusion"].reshape(7, 7)
            assert np.abs(counts - scored).sum() <= 4  # a batch of one may round a tie otherwise


def test_maps_and_walks_of_those_that_have_them(gallery: dict[str, np.ndarray]) -> None:
    assert gallery["scores/0/0"].shape == gallery["importance/0/0"].shape == (6, 6)
    assert gallery["states/0/0"].shape == (5, 6, 6)
    assert "importance/1/0" not in gallery and "states/2/0" not in gallery and "scores/3/0" not in gallery
    assert gallery["rows/0"].shape == (6, 36, 36)
    assert gallery["grid/0"].tolist() == [6, 6]
    fixed = [name for name in gallery if name.startswith("rows/")]
    assert fixed == ["rows/0", "rows/1"]


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


def inputs(grid: tuple[int, int]) -> tuple[Record, torch.Tensor]:
    """What a network with three levels gives its diffusion rule, and its importance map."""
    torch.manual_seed(0)
    nodes = grid[0] * grid[1]
    importance = torch.rand(1, 1, *grid)
    prediction = type("P", (), {"importance": importance, "scores": None})()
    levels = [0.3 * torch.randn(1, 16, nodes) for _ in LEVELS]
    return Record(prediction, levels, torch.randn(1, 4, nodes)), importance.flatten()


def cascade_rule() -> Cascade:
    torch.manual_seed(1)
    rule = Cascade(ModelConfig(levels=LEVELS))
    for weight in (*rule.alpha, *rule.beta):
        torch.nn.init.normal_(weight)
    return rule


def test_states_end_with_the_result() -> None:
    rule, (record, _) = cascade_rule(), inputs((4, 5))
    found = states(rule, record, (4, 5))
    assert np.array_equal(found[-1].ravel(), rule(record.levels, record.seeds)[0].argmax(dim=0).numpy())
    first = cascade(record.levels[:1], record.seeds, list(rule.alpha)[:1], list(rule.beta)[:1])
    assert np.array_equal(found[0].ravel(), first[0].argmax(dim=0).numpy())


@pytest.mark.parametrize("rule", [cascade_rule(), DenseInverse(ModelConfig(levels=LEVELS))])
def test_rows_are_those_of_the_transition_matrices(rule: Cascade | DenseInverse) -> None:
    record, importance = inputs((4, 5))
    truth = np.zeros((8, 10), dtype=np.uint8)
    truth[:, 4:] = 1
    truth[:2, :2] = 255
    found = walks(rule, record, grid=(4, 5), truth=truth)
    rows = (found.rows / 255.0) ** 2 * found.peak[..., None]
    for level, features in enumerate(record.levels):
        matrix = transition_matrix(features)[0].numpy()
        assert np.abs(rows[level] - matrix).max() < 0.01 * matrix.max()
        assert found.peak[level] == pytest.approx(matrix.max(axis=1), rel=1e-5)
        assert found.mass[level] == pytest.approx(matrix @ importance.numpy(), rel=1e-5)
        assert found.same[level, 9] == pytest.approx(matrix[9][found.classes == 1].sum(), rel=1e-5)
    with torch.no_grad():
        whole = rule(record.levels, importance.reshape(1, 1, -1))[0, 0].numpy()
    assert found.mass[-1] == pytest.approx(whole, rel=1e-4)
    assert found.classes[0] == 255 and np.isnan(found.same[:, 0]).all()


def test_large_grids_are_merged_without_losing_mass() -> None:
    record, importance = inputs((30, 45))
    found = walks(cascade_rule(), record, grid=(30, 45), truth=np.zeros((60, 90), dtype=np.uint8))
    assert found.grid == (15, 23)
    rows = (found.rows / 255.0) ** 2 * found.peak[..., None]
    assert rows.sum(axis=2) == pytest.approx(1.0, abs=0.02)
    _, blocks = merged_grid((30, 45))
    matrix = transition_matrix(record.levels[1])[0].numpy()
    block = matrix[blocks == 7].mean(axis=0)
    expected = np.bincount(blocks, weights=block)
    assert found.peak[1, 7] == pytest.approx(expected.max(), rel=1e-4)
    assert found.mass[1, 7] == pytest.approx(block @ importance.numpy(), rel=1e-4)


@pytest.mark.parametrize("grid", [(1, 1), (8, 8), (20, 20), (15, 20), (65, 65), (3, 900)])
def test_merged_grids_cover_every_node(grid: tuple[int, int]) -> None:
    merged, blocks = merged_grid(grid)
    assert len(blocks) == grid[0] * grid[1]
    assert np.array_equal(np.unique(blocks), np.arange(merged[0] * merged[1]))
    assert merged[0] * merged[1] <= 1.1 * 400


def test_class_of_a_node_is_the_most_frequent() -> None:
    truth = np.array([[1, 1, 2, 2], [1, 0, 255, 2], [255, 255, 3, 0], [255, 255, 0, 0]], dtype=np.uint8)
    assert node_classes(truth, (2, 2)).tolist() == [1, 2, 255, 0]


def test_recording_leaves_the_network_as_it_was(folder: Path) -> None:
    config = resolve_run(PROJECT, benchmark="tiny", ablation="cascade", seed=0)
    network = build_from_config(config.model, 7).eval()
    network.load_state_dict(load_file(folder / "runs" / "cascade" / "seed0" / "weights.safetensors"))
    images = torch.randn(1, 3, 40, 40)
    with torch.no_grad(), recorded(network) as record:
        recorded_logits = network(images).logits
    assert len(record.levels) == 5
    assert not network._forward_hooks and not network.diffusion._forward_pre_hooks
    with torch.no_grad():
        assert torch.equal(network(images).logits, recorded_logits)
