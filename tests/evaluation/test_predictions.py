"""Predictions for files: those of the network on the decoded pixels, whatever the format and size."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from difnet.config import DataConfig, InputError, RunFolder, resolve_run
from difnet.data import load_prepared, open_dataset, prepare
from difnet.data.augmentation import normalise
from difnet.data.files.colours import voc_colour
from difnet.evaluation import Segmenter, evaluate_run, predict, predict_images, segmenter
from difnet.metrics import image_statistics
from difnet.models import build_from_config, from_official, load_network
from difnet.tables import PerImage
from tests.conftest import CATALOGUE, PROJECT, save_weights
from tests.models import golden

CAMVID = Path(os.environ.get("DIFNET_DATA", PROJECT / "data")) / "CamVid"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with weights that were never trained, without their data; checkpoints in the authors' names."""
    root = tmp_path_factory.mktemp("predictions")
    for name, ablation, overrides in (
        ("cascade", "cascade", ()),
        ("deeplab", "deeplab", ()),
        ("no_importance", "no_importance", ()),
        ("oracle", "cascade", ("evaluate.oracle_seeds=2",)),
    ):
        config = resolve_run(CATALOGUE, benchmark="tiny", ablation=ablation, seed=0, overrides=overrides)
        torch.manual_seed(0)
        gone = DataConfig(name="folder", options={"root": str(root / "gone")})
        RunFolder(root / name).write_config(config.model_copy(update={"data": gone}), {})
        classes = open_dataset(DataConfig(name="shapes")).classes()
        save_weights(build_from_config(config.model, 7).state_dict(), root / name, classes=classes)
    shapes = golden.description("difnet-18")["state_dict_shapes"]
    state = {f"module.{name}": tensor for name, tensor in golden.weights(shapes).items()}
    torch.save({"epoch": 50, "state_dict": state}, root / "authors.pth")
    return root


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (37, 50, 3), dtype=np.uint8)


def labels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "P"
        return np.asarray(image)


def opened(weights: Path) -> Segmenter:
    return Segmenter.of_run(weights) if weights.is_dir() else Segmenter.of_authors(weights)


def predicted(images: Path | list[Path], weights: Path, out: Path, **options: object) -> list[np.ndarray]:
    paths = images if isinstance(images, list) else [images]
    return [labels(path) for path in predict_images(paths, segmenter=opened(weights), out=out, **options)]  # type: ignore[arg-type]


def test_a_run_predicts_what_was_scored(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare(DataConfig(name="shapes", options={"size": 40, "train": 1, "val": 3, "test": 1}), data)
    evaluate_run(folder / "cascade", data=data)
    split = load_prepared(data).split("val")
    (tmp_path / "in").mkdir()
    for place, name in enumerate(split.names):
        Image.fromarray(split.image(place)).save(tmp_path / "in" / f"{name}.png")
    found = predicted(tmp_path / "in", folder / "cascade", tmp_path / "out")
    scored = PerImage.read(folder / "cascade" / "per_image.parquet").parts
    truths = [split.label(place) for place in range(3)]
    shown = image_statistics(split.names, zip(found, truths, strict=True), 7).parts
    for part in ("intersection", "union"):
        difference = np.abs(shown[part] - scored[part]).sum(axis=1)
        assert difference.max() <= 4  # a batch of one may round a tie otherwise
    palette = list(open_dataset(DataConfig(name="shapes")).classes().values())
    with Image.open(tmp_path / "out" / f"{split.names[0]}.png") as index:
        colours = np.asarray(index.convert("RGB"))
    assert np.array_equal(colours, np.array(palette, dtype=np.uint8)[found[0]])
    with Image.open(tmp_path / "out" / f"{split.names[0]}_overlay.png") as overlay:
        expected = (colours.astype(float) + split.image(0)) / 2
        assert np.abs(np.asarray(overlay) - expected).max() <= 1
    assert len(list((tmp_path / "out").iterdir())) == 6


@pytest.mark.skipif(not CAMVID.is_dir(), reason="CamVid is not there")
def test_authors_network_on_a_street_scene(folder: Path, tmp_path: Path) -> None:
    """The images that their code feeds: BGR from 0 to 255 minus the mean."""
    frame = next((CAMVID / "val").iterdir())
    with Image.open(frame) as image:
        image.crop((100, 90, 197, 155)).save(tmp_path / "street.png")
    (found,) = predicted(tmp_path / "street.png", folder / "authors.pth", tmp_path / "out", maps=True)
    with Image.open(tmp_path / "street.png") as image:
        blue_first = np.asarray(image, dtype=np.float32)[..., ::-1] - [104.00699, 116.66877, 122.67892]
    network = from_official(torch.load(folder / "authors.pth")["state_dict"])
    with torch.no_grad():
        prediction = network(torch.from_numpy(blue_first).float().permute(2, 0, 1)[None])
    size = {"size": (65, 97), "mode": "bilinear", "align_corners": False}
    expected = torch.nn.functional.interpolate(prediction.logits, **size).argmax(dim=1)[0]
    assert found.shape == (65, 97)
    assert (found == expected.numpy()).mean() > 0.999
    importance = torch.nn.functional.interpolate(prediction.importance, **size)[0, 0].numpy()
    with Image.open(tmp_path / "out" / "street_importance.png") as image:
        assert np.abs(np.asarray(image) - 255 * importance).max() < 1
    seeds = torch.nn.functional.interpolate(prediction.seeds, **size).argmax(dim=1)[0].numpy()
    colours = np.array([voc_colour(index) for index in range(21)])[seeds] * importance[..., None]
    with Image.open(tmp_path / "out" / "street_seeds.png") as image:
        assert (np.abs(np.asarray(image) - colours) < 1).mean() > 0.999


@pytest.mark.skipif(not CAMVID.is_dir(), reason="CamVid is not there")
def test_a_folder_of_street_scenes(folder: Path, tmp_path: Path) -> None:
    frames = sorted((CAMVID / "val").iterdir())[:2]
    (tmp_path / "in").mkdir()
    for frame in frames:
        (tmp_path / "in" / frame.name).symlink_to(frame)
    found = predicted(tmp_path / "in", folder / "cascade", tmp_path / "out", similarity=(200, 100))
    with Image.open(frames[0]) as image:
        assert [label.shape for label in found] == [image.size[::-1]] * 2
    with Image.open(tmp_path / "out" / f"{frames[1].stem}_similarity_image.png") as row:
        assert row.mode == "L" and np.asarray(row).max() == 255


def test_every_kind_of_image(folder: Path, tmp_path: Path, pixels: np.ndarray) -> None:
    """Palette, grey and transparency are read as the colours they show; EXIF turns the image upright."""
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    sources = {
        "palette": image.quantize(16),
        "grey": image.convert("L"),
        "rgba": image.convert("RGBA"),
        "turned": image,
    }
    (tmp_path / "in").mkdir()
    (tmp_path / "plain").mkdir()
    for name, source in sources.items():
        source.save(tmp_path / "in" / f"{name}.png", **({"exif": exif} if name == "turned" else {}))
        shown = source.transpose(Image.Transpose.ROTATE_270) if name == "turned" else source
        shown.convert("RGB").save(tmp_path / "plain" / f"{name}.png")
    weights = folder / "cascade"
    found = predicted(tmp_path / "in", weights, tmp_path / "out")
    expected = predicted(tmp_path / "plain", weights, tmp_path / "expected")
    assert [label.shape for label in found] == [(37, 50), (37, 50), (37, 50), (50, 37)]
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    assert not np.array_equal(found[0], found[1])


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (200, 3), (33, 65)])
def test_every_size(folder: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    Image.fromarray(np.full((*size, 3), 90, dtype=np.uint8)).save(tmp_path / "image.png")
    (found,) = predicted(
        tmp_path / "image.png", folder / "cascade", tmp_path / "out", maps=True, similarity=(0, 0)
    )
    assert found.shape == size
    assert len(list((tmp_path / "out").iterdir())) == 4 + 6


def test_prediction_is_that_of_the_network(folder: Path, tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(tmp_path / "image.png")
    (found,) = predicted(tmp_path / "image.png", folder / "deeplab", tmp_path / "out")
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="deeplab", seed=0)
    network = load_network(folder / "deeplab", config, num_classes=7)
    expected = predict(network, normalise(torch.from_numpy(pixels)[None]), config)[0]
    assert np.array_equal(found, expected)


def test_similarity_is_shown_where_it_is(folder: Path, tmp_path: Path) -> None:
    """In an image of two halves, a node takes most from its own half at the level of the image."""
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[:, 32:] = (250, 60, 10)
    Image.fromarray(image).save(tmp_path / "halves.png")
    out = tmp_path / "out"
    for column in (8, 56):
        predicted(tmp_path / "halves.png", folder / "cascade", out, similarity=(20, column))
        with Image.open(out / "halves_similarity_image.png") as row:
            shown = np.asarray(row).astype(float)
        assert shown.max() == 255 and shown[20, column] > shown[20, 64 - column]


def malicious(path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(path.parent / "executed"),)

    path.write_bytes(pickle.dumps({"state_dict": Payload()}))
    torch.save({"state_dict": Payload()}, path.with_suffix(".pt"))


def test_weights_that_do_not_serve(folder: Path, tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(tmp_path / "image.png")
    malicious(tmp_path / "evil.pkl")
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    torch.save({"fc.weight": torch.zeros(3)}, tmp_path / "other.pth")
    cases = {
        tmp_path / "none.pth": "cannot be read: No such file",
        tmp_path / "evil.pkl": "is damaged, or no file of weights alone",
        tmp_path / "evil.pt": "is damaged, or no file of weights alone",
        folder / "cascade" / "weights.safetensors": "or a run directory",
        tmp_path / "tensor.pth": "holds no weights by name",
        tmp_path / "other.pth": "its parameters are fc.weight, ...",
        folder / "oracle": "takes its seeds from labels",
        tmp_path: "config.yaml: cannot be read",
    }
    for weights, message in cases.items():
        with pytest.raises(InputError, match=re.escape(str(weights))) as error:
            predicted(tmp_path / "image.png", weights, tmp_path / "out")
        assert message in str(error.value)
    assert not (tmp_path / "executed").exists() and not (tmp_path / "out").exists()


def test_maps_that_a_network_does_not_have(folder: Path, tmp_path: Path, pixels: np.ndarray) -> None:
    image = tmp_path / "image.png"
    Image.fromarray(pixels).save(image)
    with pytest.raises(InputError, match="has neither importance map nor seeds; leave out --maps"):
        predicted(image, folder / "deeplab", tmp_path / "out", maps=True)
    with pytest.raises(InputError, match="has no transition matrices to show; leave out --similarity"):
        predicted(image, folder / "deeplab", tmp_path / "out", similarity=(0, 0))
    assert not (tmp_path / "out").exists()
    predicted(image, folder / "no_importance", tmp_path / "out", maps=True)
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"image.png", "image_overlay.png", "image_seeds.png"}


def test_only_predictions_are_replaced(folder: Path, tmp_path: Path, pixels: np.ndarray) -> None:
    """A folder of labels made by hand has the names of its images."""
    for name in ("a.png", "b.png"):
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "images" / name)
    predicted(tmp_path / "images", folder / "deeplab", tmp_path / "out")
    predicted(tmp_path / "images", folder / "cascade", tmp_path / "out", maps=True)
    by_hand = tmp_path / "out" / "b.png"
    Image.fromarray(pixels[..., 0]).save(by_hand)
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(InputError, match=r"b\.png: is no picture of 'difnet predict'; choose another --out"):
        predicted(tmp_path / "images", folder / "cascade", tmp_path / "out")
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("_overlay", {}), ("_seeds", {"maps": True}), ("_similarity_layer1", {"similarity": (0, 0)})],
)
def test_two_images_whose_pictures_have_one_name(
    suffix: str, options: dict, *, folder: Path, tmp_path: Path, pixels: np.ndarray
) -> None:
    for name in ("a", f"a{suffix}"):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    images = [tmp_path / "a.png", tmp_path / f"a{suffix}.png"]
    with pytest.raises(InputError, match=rf"would both be written to .*a{suffix}\.png; predict into two"):
        list(predict_images(images, segmenter=opened(folder / "cascade"), out=tmp_path / "out", **options))
    assert not (tmp_path / "out").exists()


def test_images_that_do_not_serve(folder: Path, tmp_path: Path, pixels: np.ndarray) -> None:
    for name in ("a/image.png", "a/image2.png", "b/image.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "empty").mkdir()
    a, b = tmp_path / "a", tmp_path / "b"
    cases: list[tuple[list[Path], Path, str]] = [
        ([tmp_path / "empty"], tmp_path / "out", "empty: holds no images"),
        ([tmp_path / "none.png"], tmp_path / "out", "none.png: no such file"),
        ([a, b], tmp_path / "out", "have one name"),
        ([a], a, "a: is where image.png lies; choose another --out"),
        ([a], a / "image.png", "cannot be written"),
    ]
    for images, out, message in cases:
        with pytest.raises(InputError, match=re.escape(message)):
            predicted(images, folder / "cascade", out)
    assert not (tmp_path / "out").exists()
    assert len(list(a.iterdir())) == 2


def test_broken_images_are_named_and_the_others_go_on(
    folder: Path, tmp_path: Path, pixels: np.ndarray
) -> None:
    images, out = tmp_path / "in", tmp_path / "out"
    images.mkdir()
    for name in ("1.png", "2.png", "3.png"):
        Image.fromarray(pixels).save(images / name)
    (images / "1.png").write_bytes((images / "3.png").read_bytes()[:2000])
    (images / "2.png").write_text("no image")
    Image.fromarray(pixels[:9, :9]).save(images / "4.png")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "difnet", "predict", str(images), "--out", str(out)),
            *("--weights", str(folder / "cascade"), "--similarity", "20,30"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == f"{out}/3.png\n"
    (line,) = done.stderr.splitlines()
    for part in ("1.png (", "2.png (not an image)", "is outside the image", "4.png (9 rows, 9 columns)"):
        assert part in line
    assert labels(out / "3.png").shape == (37, 50)
    assert len(list(out.iterdir())) == 2 + 6


def test_an_image_beyond_the_limit_is_seen_smaller(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the network diffuses: its walks cost the pixels squared; another sees every image whole."""
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    image = tmp_path / "large.png"
    Image.fromarray(noise).save(image)
    whole = predicted(image, folder / "cascade", tmp_path / "whole")
    monkeypatch.setattr(segmenter, "MOST_PIXELS", 48 * 64)
    assert capsys.readouterr().err == ""
    (small,) = predicted(image, folder / "cascade", tmp_path / "small", maps=True)
    assert f"{image} (128x96): is seen at 64x48, since" in capsys.readouterr().err
    assert small.shape == (96, 128) and (small != whole[0]).any()
    insisted = predicted(image, folder / "cascade", tmp_path / "insisted", full_size=True)
    assert (insisted[0] == whole[0]).all()
    predicted(image, folder / "deeplab", tmp_path / "deeplab")
    assert capsys.readouterr().err == ""
