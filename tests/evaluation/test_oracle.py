"""Oracle seeds: which pixels are labelled, where they land, and what similarities make of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from difnet.config import DataConfig, EvaluateConfig, InputError, RunConfig, RunFolder, resolve_run
from difnet.data import VOID, load_prepared, prepare
from difnet.data.batches import evaluation_batches
from difnet.evaluation import evaluate_run
from difnet.evaluation.oracle import labelled_pixels, nearest_labels, node_seeds, oracle_logits
from difnet.models import DifNet, build_from_config
from tests.conftest import CATALOGUE, save_weights

CLASSES = 7
TRUTH = np.array(
    [
        [0, 0, 0, 1, 1],
        [0, 2, 0, 1, 1],
        [0, 0, 0, VOID, VOID],
        [1, 0, 0, 0, 2],
        [1, 0, 0, 0, 2],
    ]
)
"""Regions: class 0 (14 pixels), class 1 at two places (4 and 2), class 2 at two places (1 and 2)."""
REGION = np.array(
    [
        [1, 1, 1, 2, 2],
        [1, 4, 1, 2, 2],
        [1, 1, 1, 0, 0],
        [3, 1, 1, 1, 5],
        [3, 1, 1, 1, 5],
    ]
)


def chosen_per_region(amount: int | str, seed: int = 0) -> list[int]:
    pixels = labelled_pixels(TRUTH, amount, rng=np.random.default_rng(seed))
    assert len(set(pixels.tolist())) == len(pixels)
    return np.bincount(REGION.ravel()[pixels], minlength=6).tolist()


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (1, [0, 1, 1, 1, 1, 1]),
        (3, [0, 3, 3, 2, 1, 2]),
        (100, [0, 14, 4, 2, 1, 2]),
        ("1%", [0, 1, 1, 1, 1, 1]),
        ("50%", [0, 7, 2, 1, 1, 1]),
        ("100%", [0, 14, 4, 2, 1, 2]),
    ],
)
def test_so_many_pixels_of_every_region_and_none_of_void(amount: int | str, expected: list[int]) -> None:
    assert chosen_per_region(amount) == expected


def test_every_pixel_of_a_region_is_as_likely() -> None:
    draws = [labelled_pixels(TRUTH, 1, rng=np.random.default_rng(seed)) for seed in range(1400)]
    counts = np.bincount(np.concatenate(draws), minlength=25).reshape(5, 5)
    assert counts[REGION == 1].min() > 60 and counts[REGION == 1].max() < 140
    assert counts[REGION == 2].min() > 290


def test_all_void_has_no_seeds() -> None:
    assert len(labelled_pixels(np.full((3, 4), VOID), 5, rng=np.random.default_rng(0))) == 0


def test_seeds_are_the_mean_class_of_the_pixels_of_a_node() -> None:
    truth = np.array([[0, 1, 2, 2], [1, 1, 2, 0]])
    seeds = node_seeds(truth, np.array([0, 1, 4, 6]), classes=3, grid=(1, 2))
    assert seeds.dtype == torch.float32
    assert seeds[:, 0, 0].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert seeds[:, 0, 1].tolist() == [0, 0, 1]
    assert node_seeds(truth, np.array([7]), classes=3, grid=(1, 2))[:, 0, 0].tolist() == [0, 0, 0]


def test_nodes_contain_the_pixels_that_are_upsampled_from_them() -> None:
    """Labelling every pixel gives the share of each class under each node, whatever the sizes."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (33, 41))
    seeds = node_seeds(truth, np.arange(truth.size), classes=3, grid=(5, 6))
    rows, columns = np.floor((np.arange(33) + 0.5) * 5 / 33), np.floor((np.arange(41) + 0.5) * 6 / 41)
    for node_row, node_column in ((0, 0), (2, 3), (4, 5)):
        inside = truth[np.ix_(rows == node_row, columns == node_column)]
        expected = np.bincount(inside.ravel(), minlength=3) / inside.size
        assert seeds[:, node_row, node_column].numpy() == pytest.approx(expected, abs=0.15)
    assert seeds.sum(dim=0).numpy() == pytest.approx(1)


def oracle_run(ablation: str = "cascade", amount: int | str = 1, seed: int = 0) -> RunConfig:
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation=ablation, seed=seed)
    return config.model_copy(update={"evaluate": EvaluateConfig(oracle_seeds=amount)})


class _RightSimilarities(torch.nn.Module):
    """In the place of the similarity branch: nodes of one class are similar."""

    shares_resnet = False

    def __init__(self, classes: torch.Tensor) -> None:
        super().__init__()
        self.features = 4.0 * torch.nn.functional.one_hot(classes.flatten()).T.float()

    def forward(
        self, images: torch.Tensor, grid: tuple[int, int], shared: None
    ) -> tuple[list[torch.Tensor], None]:
        return [self.features[None]], None


@pytest.mark.parametrize("diffusion", ["cascade", "dense_inverse"])
def test_one_pixel_a_region_and_the_right_similarities_give_the_truth(diffusion: str) -> None:
    config = oracle_run()
    model = config.model.model_copy(update={"levels": ("image",), "diffusion": diffusion})
    network = build_from_config(model, CLASSES).eval()
    assert isinstance(network, DifNet)
    nodes = torch.tensor([[3, 3, 0, 0, 6, 6]]).repeat(5, 1)
    nodes[1:3, 4] = 2
    network.similarity_branch = _RightSimilarities(nodes)  # type: ignore[assignment]
    truth = nodes[torch.arange(33)[:, None] * 5 // 33, torch.arange(41) * 6 // 41]
    images = torch.zeros(1, 3, 33, 41)
    logits = oracle_logits(network, images, truth[None], indices=[0], config=config)
    assert torch.equal(logits[0].argmax(dim=0), nodes)


def test_scores_and_importance_play_no_part() -> None:
    config = oracle_run()
    images, truth = torch.randn(2, 3, 33, 41), torch.randint(0, CLASSES, (2, 33, 41))
    network = build_from_config(config.model, CLASSES).eval()
    before = oracle_logits(network, images, truth, indices=[4, 5], config=config)
    for name, parameter in network.named_parameters():
        if name.startswith(("seed_branch", "importance_map")):
            parameter.data.normal_()
    assert torch.equal(oracle_logits(network, images, truth, indices=[4, 5], config=config), before)


def test_random_numbers_depend_on_seed_and_image_alone() -> None:
    config = oracle_run()
    network = build_from_config(config.model, CLASSES).eval()
    image, truth = torch.randn(1, 3, 33, 41), torch.randint(0, 2, (1, 33, 41))
    images, truths = image.expand(3, -1, -1, -1), truth.expand(3, -1, -1)
    together = oracle_logits(network, images, truths, indices=[7, 8, 7], config=config)
    alone = oracle_logits(network, image, truth, indices=[8], config=config)
    assert torch.allclose(together[1], alone[0], atol=1e-6)
    assert torch.allclose(together[0], together[2], atol=1e-6)
    assert not torch.allclose(together[0], together[1], atol=1e-3)
    other = oracle_logits(network, image, truth, indices=[8], config=oracle_run(seed=1))
    assert not torch.allclose(other, alone, atol=1e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data")
    prepare(DataConfig(name="shapes", options={"size": 40, "train": 2, "val": 5, "test": 1}), directory)
    return directory


def write_run(directory: Path, config: RunConfig) -> None:
    torch.manual_seed(0)
    RunFolder(directory).write_config(config, {})
    save_weights(build_from_config(config.model, CLASSES).state_dict(), directory)


def test_evaluating_twice_gives_identical_scores(tmp_path: Path, data: Path) -> None:
    config = oracle_run(amount=5)
    write_run(tmp_path, config)
    evaluate_run(tmp_path, data=data)
    first = (tmp_path / "scores.csv").read_bytes()
    evaluate_run(tmp_path, data=data)
    assert (tmp_path / "scores.csv").read_bytes() == first
    RunFolder(tmp_path).write_config(oracle_run(amount=1), {})
    evaluate_run(tmp_path, data=data)
    assert (tmp_path / "scores.csv").read_bytes() != first


@pytest.mark.parametrize("ablation", ["seed_only", "deeplab"])
def test_nothing_to_diffuse_is_one_line(tmp_path: Path, data: Path, ablation: str) -> None:
    write_run(tmp_path, oracle_run(ablation))
    with pytest.raises(InputError, match=f"evaluate.oracle_seeds: {ablation} diffuses nothing"):
        evaluate_run(tmp_path, data=data)
    assert not (tmp_path / "scores.csv").exists()


def test_labelled_pixels_of_real_batches(data: Path) -> None:
    for indices, _, labels in evaluation_batches(load_prepared(data).split("val"), 2):
        for index, label in zip(indices, labels.numpy(), strict=True):
            pixels = labelled_pixels(label, 2, rng=np.random.default_rng(index))
            assert set(label.ravel()[pixels]) == set(label.ravel()) - {VOID}


def test_nearest_gives_every_pixel_the_class_of_the_nearest_labelled_one() -> None:
    truth = torch.tensor([[[0, 0, 0, 1, 1, VOID]], [[VOID] * 6], [[2, 2, 2, 2, 2, 2]]])
    config = oracle_run(amount="100%")
    assert nearest_labels(truth, indices=[0, 1, 2], config=config)[:, 0].tolist() == [
        [0, 0, 0, 1, 1, 1],
        [0] * 6,
        [2] * 6,
    ]
    one_each = nearest_labels(truth[:1], indices=[0], config=oracle_run(amount=1))[0, 0].tolist()
    pixels = labelled_pixels(truth[0].numpy(), 1, rng=np.random.default_rng([3, 0, 0]))
    left, right = sorted(pixels.tolist())
    middle = (left + right) / 2
    assert [one_each[column] for column in range(6) if column != middle] == [
        int(column > middle) for column in range(6) if column != middle
    ]
