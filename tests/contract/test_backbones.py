"""Every backbone trains, resumes to the bit, is timed and exported; its features are timm's own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import skimage.data
import timm
import torch
from safetensors.torch import load_file
from skimage.transform import resize

import difnet
from difnet.api.exporting import PROGRAM, export
from difnet.config import DataConfig, InputError, RunConfig, TimingConfig, resolve_run
from difnet.config.backbones import TESTED, TIMM
from difnet.config.initial_weights import PACKAGES
from difnet.config.timm_networks import timm_network
from difnet.data import prepare
from difnet.data.augmentation import normalise
from difnet.evaluation import evaluate_run
from difnet.models import build
from difnet.models.build import check_given_weights
from difnet.models.given_weights import packaged_weights
from difnet.timing import time_networks
from difnet.training import loop, train_run, use_threads
from tests.conftest import CATALOGUE, PROJECT

LITE = "timm/tf_efficientnet_lite0"
OF_EACH_KIND = {LITE, "timm/convnext_atto", "timm/swin_tiny_patch4_window7_224"}
"""With batch norm, without it, with windows of attention."""
PHOTOGRAPHS = {"chelsea": {281, 282, 285}, "coffee": {967}, "rocket": {657}}
"""Classes of ImageNet that each may be named: three kinds of cat; espresso; missile."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    use_threads(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare(DataConfig(name="shapes", options={"size": 32, "train": 6, "val": 2, "test": 2}), folder)
    return folder


def run_on(backbone: str, *overrides: str, ablation: str = "cascade") -> RunConfig:
    settings = [
        f"model.backbone={backbone}",
        "train.steps=3",
        "train.batch_size=2",
        "train.checkpoint_every=2",
    ]
    return resolve_run(
        CATALOGUE, benchmark="tiny", ablation=ablation, seed=0, overrides=[*settings, *overrides]
    )


@pytest.mark.parametrize(
    "backbone",
    [name if name in OF_EACH_KIND else pytest.param(name, marks=pytest.mark.slow) for name in TESTED],
)
def test_trains_resumes_to_the_bit_is_timed_and_exported(
    backbone: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_on(backbone, ablation="shared_resnet")
    train_run(run, data=data, out=tmp_path / "whole", command="test")
    plain = loop.training_step

    def fails(*arguments: object, **keywords: object) -> torch.Tensor:
        if keywords["step"] == 2:
            raise KeyError
        return plain(*arguments, **keywords)

    monkeypatch.setattr(loop, "training_step", fails)
    with pytest.raises(KeyError):
        train_run(run, data=data, out=tmp_path / "parts", command="test")
    monkeypatch.undo()
    train_run(run, data=data, out=tmp_path / "parts", command="test")
    whole, parts = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    scores = evaluate_run(tmp_path / "whole", data=data)
    assert scores.query("metric == 'miou'")["value"].between(0, 1).all()
    rows = time_networks([run], TimingConfig(repeats=1, warmup=0, threads=1), data=data)
    assert set(rows["status"]) == {"ok"}
    assert (export(tmp_path / "whole", tmp_path / "exported", size=(32, 48)) / PROGRAM).is_file()


def test_a_baseline_without_batch_norm_is_scored_and_predicts(data: Path, tmp_path: Path) -> None:
    run = run_on("timm/convnext_atto", ablation="deeplab")
    train_run(run, data=data, out=tmp_path / "run", command="test")
    scores = evaluate_run(tmp_path / "run", data=data)
    assert scores.query("metric == 'miou'")["value"].between(0, 1).all()
    image = np.zeros((32, 40, 3), np.uint8)
    assert difnet.load(tmp_path / "run").predict(image).labels.shape == (32, 40)


@pytest.mark.parametrize("backbone", TESTED)
def test_levels_lie_on_one_grid_whatever_the_size(backbone: str) -> None:
    network = build("difnet", 5, backbone=backbone).eval()
    for size, (rows, columns) in {(72, 88): (9, 11), (33, 47): (5, 6), (9, 35): (2, 5)}.items():
        images = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            layers = network.seed_branch.resnet(images)
            found = [tuple(layer.shape[2:]) for layer in layers]
            assert found == [(2 * rows, 2 * columns), *[(rows, columns)] * 3]
            assert tuple(layer.shape[1] for layer in layers) == timm_network(backbone).channels
            assert network(images).logits.shape == (1, 5, rows, columns)


def test_what_lies_beyond_a_small_image_is_its_mean_colour() -> None:
    network = build("difnet", 5, backbone="timm/mobilenetv3_small_100").eval().seed_branch.resnet
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    image[:, :, 17:], image[:, :, :, 24:] = 0, 0
    with torch.inference_mode():
        whole, part = network(image), network(image[:, :, :17, :24])
    for layer, seen, (rows, columns) in zip(whole, part, [(6, 6), *[(3, 3)] * 3], strict=True):
        assert torch.equal(layer[:, :, :rows, :columns], seen)


def test_what_cannot_be_trained_is_not_timed(data: Path) -> None:
    run = run_on("timm/mobilenetv3_small_100", "train.batch_size=1")
    rows = time_networks([run], TimingConfig(repeats=1, warmup=0, threads=1), data=data)
    assert rows["status"].str.startswith("not_run (Expected more than 1 value per channel").all()


def test_untrained_networks_and_those_that_batch_norms_see_as_one_value() -> None:
    assert timm_network("timm/ese_vovnet19b_slim").weights is None
    with pytest.raises(InputError, match="there are no ImageNet weights for timm/ese_vovnet19b_slim"):
        run_on("timm/ese_vovnet19b_slim", "model.weights=imagenet")
    assert timm_network("timm/skresnet18").strides == (4, 8, 8, 8)


def test_both_branches_and_both_networks_start_as_the_seed_says() -> None:
    first, second = (build("difnet", 5, backbone=LITE) for _ in range(2) if torch.manual_seed(3))
    baseline = build("deeplab", 5, backbone=LITE) if torch.manual_seed(3) else None
    assert baseline is not None
    name = "network.conv_stem.weight"
    seed, similarity = first.seed_branch.resnet.state_dict(), first.similarity_branch.resnet.state_dict()
    assert torch.equal(seed[name], second.seed_branch.resnet.state_dict()[name])
    assert torch.equal(seed[name], baseline.seed_branch.resnet.state_dict()[name])
    assert not torch.equal(seed[name], similarity[name])


def test_features_are_those_of_timm_to_the_bit() -> None:
    network = build("difnet", 11, backbone=LITE, weights="packaged").eval()
    reference = timm.create_model(
        LITE.removeprefix(TIMM), features_only=True, output_stride=8, out_indices=(1, 2, 3, 4)
    ).eval()
    weights = packaged_weights(LITE)
    reference.load_state_dict(
        {name: weights[name] for name in reference.state_dict() if name in weights}, False
    )
    images = torch.randn(2, 3, 120, 160, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = reference(images)
        for branch in (network.seed_branch, network.similarity_branch):
            assert all(map(torch.equal, branch.resnet(images), expected))


@pytest.mark.parametrize(
    ("backbone", "photograph"),
    [
        (backbone, photograph)
        for backbone in PACKAGES
        for photograph in PHOTOGRAPHS
        # The larger two take the launch pad for a drilling platform, and the missile comes second.
        if backbone == LITE or photograph != "rocket"
    ],
)
def test_packaged_weights_name_photographs_that_are_normalised_as_timm_says(
    backbone: str, photograph: str
) -> None:
    network = timm.create_model(backbone.removeprefix(TIMM)).eval()
    network.load_state_dict(packaged_weights(backbone), strict=False)
    image = getattr(skimage.data, photograph)()
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    pixels = resize(image[top : top + side, left : left + side], (224, 224), anti_aliasing=True)
    colours = run_on(backbone).model.normalisation
    assert colours == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    with torch.inference_mode():
        scores = network(normalise(torch.from_numpy((255 * pixels).round().astype(np.uint8))[None], colours))
    assert scores.argmax().item() in PHOTOGRAPHS[photograph]


def test_a_file_of_the_branch_alone_and_of_one_branch(tmp_path: Path) -> None:
    original = timm.create_model("tf_efficientnet_lite0")
    torch.save(original.state_dict(), tmp_path / "whole.pth")
    path = str(tmp_path / "whole.pth")
    network = build("difnet", 5, backbone=LITE, weights={"similarity_branch": path})
    stem = "network.conv_stem.weight"
    given = original.state_dict()["conv_stem.weight"]
    assert torch.equal(network.similarity_branch.resnet.state_dict()[stem], given)
    assert not torch.equal(network.seed_branch.resnet.state_dict()[stem], given)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["model.backbone=timm/tf_efficientnet_lite"],
            "timm has no network 'tf_efficientnet_lite'; did you mean 'tf_e",
        ),
        (["model.backbone=timm/qqqq"], "timm has no network 'qqqq'; known are convnext_atto, "),
        (["model.backbone=timm/vit_tiny_patch16_224"], "does not give four feature maps, from stride 4 on"),
        (["model.backbone=timm/maxvit_tiny_rw_224"], "of images of any size (height (30) must be divisible"),
        (["model.backbone=resnet-19"], "unknown backbone 'resnet-19'; did you mean 'resnet-18'?"),
        (
            [f"model.backbone={LITE}", "model.width=2"],
            "model.width: timm/tf_efficientnet_lite0 has one width",
        ),
        ([f"model.backbone={LITE}", "model.normalisation=caffe"], "caffe is that of ResNets"),
        ([f"model.backbone={LITE}", "model.weights=pretext"], "pretext is for ResNets"),
        (
            ["model.weights=packaged"],
            "no package holds weights of difnet-nano, but of timm/tf_efficientnet_lite0",
        ),
        (["train.freeze=layer5"], "'layer1', 'layer2', 'layer3' or 'backbone'"),
    ],
)
def test_mistakes_are_told_before_anything_is_prepared(settings: list[str], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0, overrides=settings)
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_told_before_anything_is_prepared(tmp_path: Path) -> None:
    torch.save(timm.create_model("resnet10t").state_dict(), tmp_path / "other.pth")
    options = ["--benchmark=tiny", "--ablation=cascade", "--seed=0", f"--out={tmp_path / 'run'}"]
    settings = [f"--set=model.backbone={LITE}", f"--set=model.weights={tmp_path / 'other.pth'}"]
    command = [sys.executable, "-m", "difnet", "train", *options, *settings, f"--data={tmp_path / 'data'}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 2
    assert re.fullmatch(r".*other.pth does not fit the backbone of this network; give .*\n", done.stderr)
    assert not (tmp_path / "data").exists()


def test_weights_that_cannot_be_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    run = run_on(LITE, "model.weights=imagenet")
    assert run.model.weights == "timm/tf_efficientnet_lite0.in1k"
    with pytest.raises(InputError, match="in1k could not be downloaded from huggingface.co") as caught:
        check_given_weights(run.model)
    assert "\n" not in str(caught.value)


def test_timm_is_imported_where_a_recipe_names_it_alone() -> None:
    code = """
import sys
from difnet.config import Project, plan
plan(Project(), {"benchmarks": ["tiny"]})
print("timm" in sys.modules, "torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=PROJECT
    )
    assert done.stdout.split() == ["False", "False"]
