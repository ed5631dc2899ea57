"""A trained network as a library uses it: what goes in, what comes out, what it says of itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from difnet.config import DataConfig, InputError, RunFolder, resolve_run
from difnet.data import open_dataset
from difnet.data.augmentation import normalise
from difnet.evaluation import Segmenter
from difnet.models import build_from_config
from tests.conftest import CATALOGUE, save_weights

SIZE = (40, 56)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with weights that were never trained."""
    root = tmp_path_factory.mktemp("runs")
    for name in ("cascade", "deeplab"):
        config = resolve_run(CATALOGUE, benchmark="tiny", ablation=name, seed=0)
        RunFolder(root / name).write_config(config, {})
        classes = open_dataset(DataConfig(name="shapes")).classes()
        save_weights(build_from_config(config.model, 7, seed=3).state_dict(), root / name, classes=classes)
    return root


@pytest.fixture(scope="module")
def cascade(runs: Path) -> Segmenter:
    return Segmenter.of_run(runs / "cascade")


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def test_what_the_network_says(cascade: Segmenter, pixels: np.ndarray) -> None:
    found = cascade.predict(pixels)
    with torch.no_grad():
        expected = cascade.network(normalise(torch.from_numpy(pixels)[None], cascade.normalisation))
    logits = torch.nn.functional.interpolate(
        expected.logits, size=SIZE, mode="bilinear", align_corners=False
    )[0]
    assert (found.labels == logits.argmax(dim=0).numpy()).mean() > 0.999  # another memory layout rounds
    np.testing.assert_allclose(found.probabilities, logits.softmax(dim=0).numpy(), atol=1e-6)
    assert found.seeds is not None and found.importance is not None
    np.testing.assert_allclose(found.seeds, expected.seeds[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(found.importance, expected.importance[0, 0].numpy(), atol=1e-5)
    assert list(found.classes) == list(open_dataset(DataConfig(name="shapes")).classes())


def test_walks_are_rows_of_the_transition_matrices(cascade: Segmenter, pixels: np.ndarray) -> None:
    """The node of pixel (17, 50) takes from the others by softmax(F^T F)."""
    found = cascade.predict(pixels)
    walks = found.walks(17, 50)
    assert list(walks) == [*cascade.levels, "diffusion"]
    height, width = found.grid
    node = 17 * height // SIZE[0] * width + 50 * width // SIZE[1]
    for level, features in zip(cascade.levels, found.record.levels, strict=True):
        row = torch.softmax(features[0].mT @ features[0], dim=-1)[node]
        np.testing.assert_allclose(walks[level].ravel(), row.numpy(), atol=1e-5)
    assert all(abs(row.sum() - 1) < 1e-4 for row in walks.values())


def test_files_pictures_and_arrays_are_one(cascade: Segmenter, pixels: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(pixels).save(tmp_path / "image.png")
    given = [tmp_path / "image.png", str(tmp_path / "image.png"), Image.fromarray(pixels), pixels]
    found = cascade.predict(given)
    assert len(found) == 4
    assert all(np.array_equal(one.labels, found[0].labels) for one in found)
    batch = cascade.predict(np.stack([pixels, pixels[::-1]]))
    assert isinstance(batch, list) and np.array_equal(batch[0].labels, found[0].labels)
    assert not np.array_equal(batch[1].labels, batch[0].labels)


def test_saved_labels_are_read_back(cascade: Segmenter, pixels: np.ndarray, tmp_path: Path) -> None:
    found = cascade.predict(pixels)
    for _ in range(2):  # a picture of ours may be replaced
        path = found.save(tmp_path / "labels.png")
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), found.labels)
        assert np.array_equal(np.asarray(image.convert("RGB")), found.palette[found.labels])
    assert (
        np.abs(
            np.asarray(found.overlay(), dtype=float) - (found.palette[found.labels] / 2 + pixels / 2)
        ).max()
        <= 1
    )
    Image.fromarray(pixels).save(tmp_path / "by_hand.png")
    with pytest.raises(InputError, match=r"by_hand\.png: is no picture of 'difnet predict'"):
        found.save(tmp_path / "by_hand.png")


def test_short_descriptions(cascade: Segmenter, runs: Path, pixels: np.ndarray) -> None:
    assert repr(cascade).startswith("Segmenter(DifNet, 7 classes, 0.")
    shown = repr(cascade.predict(pixels))
    assert shown.startswith("Segmentation(40x56 pixels: ") and shown.count("%") <= 3
    assert cascade.predict(pixels)._repr_png_().startswith(b"\x89PNG")
    assert len(repr(Segmenter.of_run(runs / "deeplab"))) < 300


def test_a_baseline_has_no_maps(runs: Path, pixels: np.ndarray) -> None:
    found = Segmenter.of_run(runs / "deeplab").predict(pixels)
    assert found.seeds is None and found.importance is None and not found.has_walks
    with pytest.raises(InputError, match="no transition matrices"):
        found.walks(0, 0)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4), dtype=np.uint8), r"uint8 of shape \(4, 4\)"),
        (np.zeros((4, 4, 3)), r"float64 of shape \(4, 4, 3\)"),
        (np.zeros((0, 4, 3), dtype=np.uint8), r"shape \(0, 4, 3\)"),
        (7, "not an image; give a file, a PIL image or an array: int"),
        ("none.png", "none.png"),
    ],
)
def test_what_is_no_image(cascade: Segmenter, image: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cascade.predict(image)  # type: ignore[arg-type, call-overload]


@pytest.mark.parametrize("pixel", [(-1, 0), (0, 56), (40, 0)])
def test_a_pixel_outside_the_image(cascade: Segmenter, pixels: np.ndarray, pixel: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="is outside the image of 40 rows, 56 columns"):
        cascade.predict(pixels).walks(*pixel)


def test_a_run_that_is_not_finished(runs: Path, tmp_path: Path) -> None:
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    RunFolder(tmp_path / "half").write_config(config, {})
    with pytest.raises(InputError, match="half: is not trained to its end"):
        Segmenter.of_run(tmp_path / "half")
