"""Padding, scales and mirror image: what is averaged, where the image lies, which pixels count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from difnet.config import DataConfig, EvaluateConfig, InputError, RunConfig, RunFolder, resolve_run
from difnet.config.schema import IMAGENET
from difnet.data import VOID, load_prepared, prepare
from difnet.data.augmentation import CAFFE_MEAN
from difnet.data.padding import centred, padded
from difnet.evaluation import evaluate_run, write_gallery
from difnet.evaluation.evaluate_run import answer
from difnet.evaluation.full_size import mean_of_passes
from difnet.metrics import image_statistics
from difnet.models import PixelPrior, Prediction, build_from_config
from difnet.tables import PerImage
from tests.conftest import CATALOGUE, save_weights

CLASSES = 3
SIZES = ((33, 41), (40, 36), (40, 36), (49, 37))


def run_with(ablation: str = "cascade", **evaluate: Any) -> RunConfig:
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation=ablation, seed=0)
    return config.model_copy(update={"evaluate": EvaluateConfig(**evaluate)})


def untrained(config: RunConfig) -> nn.Module:
    torch.manual_seed(0)
    return build_from_config(config.model, CLASSES).eval()


def maps_of(network: nn.Module, images: Tensor, **evaluate: Any) -> np.ndarray:
    labels = torch.zeros(len(images), *images.shape[2:], dtype=torch.int64)
    return answer(network, images, labels, indices=range(len(images)), config=run_with(**evaluate))


class _Channels(nn.Module):
    """A network whose logits are the channels of the image, at its size; it notes the sizes that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, ...]] = []

    def forward(self, images: Tensor) -> Prediction:
        self.seen.append(tuple(images.shape[2:]))
        return Prediction(logits=images, scores=None, importance=None, seeds=None)


@pytest.fixture
def images() -> Tensor:
    return torch.randn(2, 3, 33, 41, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("extra", range(1, 18))
def test_the_padding_is_cut_off_where_it_was_added(extra: int) -> None:
    """Sizes 1 to 17 pixels over a multiple of the stride; the padding wins nowhere inside."""
    generator = torch.Generator().manual_seed(extra)
    images = torch.randn(1, 3, 16 + extra, 40 - extra, generator=generator) - 5
    expected = images.argmax(dim=1).numpy()
    assert np.array_equal(maps_of(_Channels(), images, pad=(40, 49)), expected)
    assert maps_of(untrained(run_with()), images, pad=(40, 49)).shape == expected.shape
    assert maps_of(untrained(run_with()), images).shape == expected.shape


def test_the_image_is_in_the_middle_of_its_padding() -> None:
    label = centred(torch.ones(1, 3, 4, dtype=torch.int64), (6, 6), value=VOID)
    assert label[0, :, 1].tolist() == [VOID, VOID, 1, 1, 1, VOID]
    assert label[0, 2].tolist() == [VOID, 1, 1, 1, 1, VOID]


@pytest.mark.parametrize(
    ("normalisation", "colour", "border"),
    [
        ("imagenet", "mean", (0.0, 0.0, 0.0)),
        ("caffe", "mean", (0.0, 0.0, 0.0)),
        ("caffe", "black", tuple(-mean for mean in CAFFE_MEAN)),
        ("imagenet", "black", tuple(-mean / std for mean, std in zip(*IMAGENET, strict=True))),
    ],
)
def test_colour_of_the_padding(
    images: Tensor, normalisation: Literal["imagenet", "caffe"], colour: str, border: tuple[float, ...]
) -> None:
    evaluate = EvaluateConfig(pad=(35, 43), pad_colour=colour)
    framed, labels = padded(images, torch.zeros(2, 33, 41, dtype=torch.int64), evaluate, normalisation)
    assert torch.equal(framed[:, :, 1:34, 1:42], images) and framed.shape == (2, 3, 35, 43)
    for edge in (framed[:, :, 0], framed[:, :, 34], framed[..., 0], framed[..., 42]):
        assert torch.allclose(edge, torch.tensor(border)[None, :, None].expand_as(edge), atol=1e-4)
    assert (labels == VOID).sum() == 2 * (35 * 43 - 33 * 41)


def test_padding_is_no_detail_where_all_nodes_are_mixed(images: Tensor) -> None:
    network = untrained(run_with())
    with torch.no_grad():
        whole = network(images).logits
        padded = network(F.pad(images, (0, 64, 0, 64))).logits
    assert not torch.allclose(whole[..., 1:3, 1:3], padded[..., 1:3, 1:3], rtol=1e-3)


def test_mirrored_images_have_mirrored_maps(images: Tensor) -> None:
    network = untrained(run_with())
    mirrored = maps_of(network, images.flip(-1), flip=True)
    assert np.array_equal(mirrored[..., ::-1], maps_of(network, images, flip=True))
    assert not np.array_equal(maps_of(network, images.flip(-1))[..., ::-1], maps_of(network, images))


def test_map_of_a_symmetric_image_is_symmetric(images: Tensor) -> None:
    symmetric = torch.cat([images, images[..., :-1].flip(-1)], dim=-1)
    network = untrained(run_with())
    found = maps_of(network, symmetric, flip=True)
    assert len(np.unique(found)) > 1
    assert np.array_equal(found, found[..., ::-1])
    symmetric_network = _Channels()
    assert np.array_equal(
        maps_of(symmetric_network, symmetric, flip=True), maps_of(symmetric_network, symmetric)
    )


def test_probabilities_of_all_passes_are_averaged(images: Tensor) -> None:
    network = untrained(run_with())
    evaluate = EvaluateConfig(scales=(0.5, 1.0), flip=True)
    with torch.no_grad():
        found = mean_of_passes(network, images, evaluate, torch.contiguous_format)
        total = torch.zeros_like(found)
        for size in ((16, 20), (33, 41)):
            resized = F.interpolate(images, size, mode="bilinear", antialias=True)
            for turn in (False, True):
                logits = network(resized.flip(-1) if turn else resized).logits
                upsampled = F.interpolate(logits, (33, 41), mode="bilinear").softmax(dim=1)
                total += upsampled.flip(-1) if turn else upsampled
    assert torch.allclose(found, total / 4, atol=1e-6)
    assert torch.allclose(found.sum(dim=1), torch.ones(2, 33, 41), atol=1e-5)


def test_sizes_of_the_passes(images: Tensor) -> None:
    network = _Channels()
    maps_of(network, images, scales=(0.5, 1.0, 1.75), pad=(49, 49))
    assert network.seen == [(24, 24), (49, 49), (86, 86)]


def test_one_pass_is_the_networks_own(images: Tensor) -> None:
    network = untrained(run_with())
    with torch.no_grad():
        logits = F.interpolate(network(images).logits, (33, 41), mode="bilinear")
    expected = logits.argmax(dim=1).numpy()
    assert np.array_equal(maps_of(network, images), expected)
    assert np.array_equal(maps_of(network, images, scales=(1.0,)), expected)


def test_nothing_changes_the_training_free_floor(images: Tensor) -> None:
    network = PixelPrior(CLASSES)
    network.counts = torch.rand(CLASSES, 33, 41, generator=torch.Generator().manual_seed(0))
    plain = maps_of(network, images)
    assert np.array_equal(maps_of(network, images, pad=(64, 64), scales=(0.5, 1.0), flip=True), plain)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of several sizes."""
    root = tmp_path_factory.mktemp("own")
    random = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (root / folder).mkdir()
    for number, size in enumerate((*SIZES, (32, 32))):
        Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)).save(
            root / "images" / f"{number}.png"
        )
        label = random.choice([0, 1, 2, VOID], size).astype(np.uint8)
        Image.fromarray(label).save(root / "labels" / f"{number}.png")
    (root / "classes.txt").write_text("a\nb\nc\n")
    (root / "val.txt").write_text("".join(f"{number}\n" for number in range(len(SIZES))))
    prepare(DataConfig(name="folder", options={"root": str(root)}), root / "prepared")
    return root / "prepared"


def scored(directory: Path, data: Path, ablation: str = "cascade", **evaluate: Any) -> pd.DataFrame:
    config = run_with(ablation, **evaluate)
    RunFolder(directory).write_config(config, {})
    save_weights(untrained(config).state_dict(), directory)
    return evaluate_run(directory, data=data)


FULL = {"pad": (49, 44), "scales": (0.75, 1.0), "flip": True}


def test_pixels_of_the_padding_never_count(tmp_path: Path, data: Path) -> None:
    scored(tmp_path, data, **FULL)
    counted = PerImage.read(tmp_path / "per_image.parquet").parts["labelled"].sum(axis=1)
    split = load_prepared(data).split("val")
    labelled = [int((split.label(place) != VOID).sum()) for place in range(len(SIZES))]
    assert counted.tolist() == labelled


def test_batch_size_does_not_change_scores(tmp_path: Path, data: Path) -> None:
    first, second = (
        scored(tmp_path / str(size), data, batch_size=size, **FULL)["value"].to_numpy() for size in (1, 3)
    )
    assert np.array_equal(first, second, equal_nan=True)


@pytest.mark.parametrize("rule", ["similarities", "nearest"])
def test_oracle_seeds_are_padded_with_void(tmp_path: Path, data: Path, rule: str) -> None:
    seeds = {"oracle_seeds": "100%", "oracle_rule": rule, "pad": (56, 56)}
    scores = scored(tmp_path, data, **seeds).set_index("metric")["value"]
    if rule == "nearest":
        assert scores["pixel_accuracy"] == 1.0
    plain = scored(tmp_path, data, **seeds, scales=(0.5, 1.0), flip=True).set_index("metric")["value"]
    assert plain.equals(scores)


def test_padding_gives_no_oracle_seeds() -> None:
    labels = torch.full((1, 9, 9), VOID)
    labels[0, 4, 4] = 2
    config = run_with(oracle_seeds="100%", oracle_rule="nearest", pad=(16, 16))
    found = answer(_Channels(), torch.zeros(1, 3, 9, 9), labels, indices=[0], config=config)
    assert found.shape == (1, 9, 9)
    assert np.all(found == 2)


def test_image_that_does_not_fit_is_one_line(tmp_path: Path, data: Path) -> None:
    with pytest.raises(InputError) as raised:
        scored(tmp_path, data, pad=(48, 40))
    assert str(raised.value) == (
        "evaluate.pad: 0 has 33 x 41 pixels (height x width) and does not fit into 48 x 40; "
        "set it to at least [49, 41], or data.size to resize all images"
    )
    assert not (tmp_path / "scores.csv").exists()


def test_the_gallery_shows_what_was_scored(tmp_path: Path, data: Path) -> None:
    run = tmp_path / "run"
    scored(run, data, **FULL, gallery=2)
    write_gallery([run], reference="cascade", data=data, out=tmp_path / "g.npz")
    split = load_prepared(data).split("val")
    statistics = PerImage.read(run / "per_image.parquet")
    with np.load(tmp_path / "g.npz", allow_pickle=False) as stored:
        names = [image["name"] for image in json.loads(str(stored["index"]))["images"]]
        assert names == ["0", "3"]
        for place, name in enumerate(names):
            prediction = stored[f"prediction/0/{place}"]
            index = split.names.index(name)
            truth = split.label(index)
            expected = image_statistics([name], [(prediction, truth)], CLASSES)
            for part, numbers in expected.parts.items():
                assert np.array_equal(statistics.parts[part][index], numbers[0]), part
            grid = tuple((length + 9) // 8 for length in truth.shape)
            assert stored[f"scores/0/{place}"].shape == grid
