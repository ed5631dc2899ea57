"""Networks by name: sizes, shapes, variants, widths, initial weights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from difnet.config import LEVELS, InputError, resolve_run
from difnet.config.initial_weights import BASELINE_LIKE_DIFNET, DIFNET_LIKE_BASELINE
from difnet.models import DifNet, PixelPrior, build, build_from_config, parameter_count
from difnet.models.resnet import RESNETS, BasicBlock, ResNetShape
from tests.conftest import CATALOGUE, PROJECT

PAGE_ROWS = re.findall(
    r"`((?:difnet|deeplab)-[\w-]+)` \| ([\d.]+) M", (PROJECT / "docs" / "api.md").read_text()
)
IMAGENET_DEPTHS = ("18", "34", "50", "101", "152")
PUBLISHED = {
    "difnet-18": 22.81,
    "difnet-34": 43.02,
    "difnet-50": 48.82,
    "difnet-101": 86.80,
    "difnet-18-50": 35.40,
    "deeplab-18": 11.56,
    "deeplab-50": 25.06,
    "deeplab-101": 44.05,
}


@pytest.mark.parametrize(("name", "millions"), sorted({**dict(PAGE_ROWS), **PUBLISHED}.items()))
def test_parameter_counts(name: str, millions: str | float) -> None:
    with torch.device("meta"):
        network = build(name, 21)
    assert f"{parameter_count(network) / 1e6:.2f}" == f"{float(millions):.2f}"


@pytest.mark.parametrize("size", [(1, 33, 47), (2, 64, 64), (1, 65, 97)])
@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"diffusion": "dense_inverse"},
        {"diffusion": "iterative_inverse"},
        {"diffusion": "none"},
        {"seeds": "similarity_branch", "importance": False},
        {"levels": ["layer1"], "repeats": 3},
        {"levels": ["image"], "importance": False},
        {"restart": 0.5, "skip": 0.0},
        {"transition": {"kind": "top_k", "k": 5}},
    ],
)
def test_variants_run_forward_and_backward(size: tuple[int, int, int], overrides: dict) -> None:
    batch, height, width = size
    torch.manual_seed(0)
    network = build("difnet-nano", 5, **overrides)
    if batch == 1:
        network.eval()
    prediction = network(torch.randn(batch, 3, height, width))
    grid = (-(-(height + 2) // 8), -(-(width + 2) // 8))
    assert prediction.logits.shape == (batch, 5, *grid)
    assert torch.isfinite(prediction.logits).all()
    prediction.logits.square().mean().backward()
    unused = [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert unused == []
    if prediction.importance is not None:
        assert prediction.importance.shape == (batch, 1, *grid)
        assert torch.equal(prediction.seeds, prediction.importance * prediction.scores)


def test_restart_of_one_returns_the_seeds() -> None:
    torch.manual_seed(0)
    network = build("difnet-nano", 5, restart=1.0, skip=0.0).eval()
    prediction = network(torch.randn(1, 3, 40, 40))
    assert torch.allclose(prediction.logits, prediction.seeds, atol=1e-6)


def test_alpha_and_beta_have_shape_one_and_start_at_zero() -> None:
    network = build("difnet-nano", 5)
    scalars = {name: p for name, p in network.named_parameters() if "alpha" in name or "beta" in name}
    assert len(scalars) == 2 * len(LEVELS)
    assert all(p.shape == (1,) and p.item() == 0.0 for p in scalars.values())


def test_fixed_weights_are_not_learned() -> None:
    network = build("difnet-nano", 5, restart=0.25)
    alphas = [p for name, p in network.named_parameters() if "alpha" in name]
    assert not any(p.requires_grad for p in alphas)
    assert torch.sigmoid(alphas[0]).item() == pytest.approx(0.25)


def test_levels_build_the_similarity_resnet_only_as_deep_as_needed() -> None:
    network = build("difnet-nano", 5, levels=["image", "layer2"])
    assert isinstance(network, DifNet)
    names = set(network.similarity_branch.state_dict())
    assert any(name.startswith("resnet.layer2.") for name in names)
    assert not any(name.startswith("resnet.layer3.") for name in names)


@pytest.mark.parametrize("depth", ["18", "50"])
def test_torchvision_weights_load_by_name(tmp_path: Path, depth: str) -> None:
    import torchvision

    original = getattr(torchvision.models, f"resnet{depth}")()
    path = tmp_path / "weights.pth"
    torch.save(original.state_dict(), path)
    network = build(f"difnet-{depth}", 5, weights=str(path))
    state = original.state_dict()
    for branch in (network.seed_branch.resnet, network.similarity_branch.resnet):
        for name, tensor in branch.state_dict().items():
            if name in state:
                assert torch.equal(tensor, state[name]), name
        missing = {name for name in branch.state_dict() if name not in state}
        assert all("layer3.0.downsample" in name or "layer4.0.downsample" in name for name in missing)


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("difnet-19", {}, "unknown network 'difnet-19'; did you mean 'difnet-18'?"),
        ("difnet-nano", {"difusion": "none"}, "unknown key 'difusion'; did you mean 'diffusion'?"),
        ("difnet-18", {"weights": "ResNet18"}, "neither a file nor a torchvision weights enum"),
    ],
)
def test_mistakes_name_the_remedy(name: str, overrides: dict, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        build(name, 5, **overrides)


def test_the_baseline_as_large_as_difnet_builds_with_weights_of_its_own_depth(tmp_path: Path) -> None:
    """On `voc2012`, from files in torchvision's layout: DifNet-50 against Sim-DeepLab-101 (claim C2)."""
    import torchvision

    states = {depth: getattr(torchvision.models, f"resnet{depth}")().state_dict() for depth in ("50", "101")}
    for depth, state in states.items():
        torch.save(state, tmp_path / f"{depth}.pth")
    sizes = {}
    for ablation, depth in (("cascade", "50"), ("deeplab_equal_parameters", "101")):
        run = resolve_run(
            CATALOGUE,
            benchmark="voc2012",
            ablation=ablation,
            seed=0,
            overrides=[f"model.weights={tmp_path}/{{depth}}.pth"],
        )
        network = build_from_config(run.model, 21)
        stem = network.seed_branch.resnet.conv1.weight
        assert torch.equal(stem, states[depth]["conv1.weight"])
        sizes[ablation] = parameter_count(network) / 1e6
    assert sizes == pytest.approx({"cascade": 48.82, "deeplab_equal_parameters": 44.05}, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "table", "other"),
    [("deeplab", BASELINE_LIKE_DIFNET, "difnet"), ("difnet", DIFNET_LIKE_BASELINE, "deeplab")],
)
def test_the_other_depth_is_the_nearest_in_size(kind: str, table: dict[str, str], other: str) -> None:
    with torch.device("meta"):
        own = {depth: parameter_count(build(f"{kind}-{depth}", 21)) for depth in IMAGENET_DEPTHS}
        wanted = {depth: parameter_count(build(f"{other}-{depth}", 21)) for depth in (*own, "18-50")}
    nearest = {depth: min(own, key=lambda d: abs(own[d] - size)) for depth, size in wanted.items()}
    assert table == {depth: found for depth, found in nearest.items() if found != depth}


@pytest.mark.parametrize("depth", ["nano", "34"])
def test_weights_of_another_depth_are_refused(tmp_path: Path, depth: str) -> None:
    torch.save(build("deeplab-18", 5).seed_branch.resnet.state_dict(), tmp_path / "18.pth")
    with pytest.raises(InputError, match="does not fit the ResNet of this network"):
        build(f"deeplab-{depth}", 5, weights=str(tmp_path / "18.pth"))


def test_pixel_prior_predicts_the_most_frequent_class_and_ignores_void() -> None:
    prior = PixelPrior(3)
    labels = [[[0, 1]], [[2, 255]], [[2, 1]]]
    prior.fit(torch.tensor(label, dtype=torch.uint8) for label in labels)
    logits = prior(torch.zeros(2, 3, 1, 2)).logits
    assert logits.argmax(dim=1).tolist() == [[[2, 1]]] * 2
    assert logits[0, :, 0, 1].tolist() == [0.0, 1.0, 0.0]


def test_pixel_prior_resizes_labels_to_the_first() -> None:
    prior = PixelPrior(3)
    labels = [[[0, 1, 1]], [[0, 0, 0, 0, 2, 2], [0, 0, 1, 1, 255, 2]], [[2]]]
    prior.fit(torch.tensor(label, dtype=torch.uint8) for label in labels)
    assert prior.counts[:, 0].tolist() == [[2, 0, 0], [0, 2, 1], [1, 1, 2]]


def parameters(name: str, classes: int, **overrides: object) -> int:
    with torch.device("meta"):
        return parameter_count(build(name, classes, **overrides))


@pytest.mark.parametrize("classes", [5, 11, 21])
@pytest.mark.parametrize("depth", ["nano", "18", "50", "101", "18-50"])
def test_equal_parameters_are_within_one_percent(depth: str, classes: int) -> None:
    difnet, deeplab = f"difnet-{depth}", f"deeplab-{depth}"
    narrow = parameters(difnet, classes, width="equal_parameters")
    assert narrow == pytest.approx(parameters(deeplab, classes), rel=0.01)
    wide = parameters(deeplab, classes, width="equal_parameters")
    assert wide == pytest.approx(parameters(difnet, classes), rel=0.01)
    assert narrow < wide


def test_equal_parameters_count_the_network_as_configured() -> None:
    target = parameters("deeplab-nano", 5)
    for overrides in ({"shared_resnet": True, "embedding_dim": 256}, {"levels": ["layer1"]}):
        assert parameters("difnet-nano", 5, **overrides) != pytest.approx(target, rel=0.02)
        equal = parameters("difnet-nano", 5, width="equal_parameters", **overrides)
        assert equal == pytest.approx(target, rel=0.01)


def test_equal_parameters_out_of_reach_are_one_line() -> None:
    with pytest.raises(
        InputError, match=r"no width gives difnet-nano the 0\.\d+ M parameters of deeplab-nano"
    ):
        build("difnet-nano", 5, width="equal_parameters", embedding_dim=20_000)


def test_width_multiplies_every_layer() -> None:
    half = build("difnet-18", 5, width=0.5)
    for resnet in (half.seed_branch.resnet, half.similarity_branch.resnet):
        assert resnet.conv1.out_channels == 32
        widths = [resnet.get_submodule(f"layer{layer}.0.conv1").out_channels for layer in (1, 2, 3, 4)]
        assert widths == [32, 64, 128, 256]
    bottlenecks = build("deeplab-50", 5, width=0.25).seed_branch.resnet
    assert bottlenecks.get_submodule("layer4.2.conv3").out_channels == 4 * 128


def test_channels_are_whole_and_at_least_one() -> None:
    assert ResNetShape(BasicBlock, (1, 1, 1, 1), width=16, factor=0.01).channels == (1, 1, 1, 1)
    assert ResNetShape(BasicBlock, (1, 1, 1, 1), width=16, factor=0.7).widths == (11, 22, 45, 90)
    assert RESNETS["50"].channels == (256, 512, 1024, 2048)
    prediction = build("difnet-nano", 5, width=0.01)(torch.zeros(2, 3, 33, 41))
    assert prediction.logits.shape == (2, 5, 5, 6)


def test_equal_width_is_the_same_every_time() -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(build("difnet-nano", 5, width="equal_parameters").state_dict())
    assert all(torch.equal(tensor, networks[1][name]) for name, tensor in networks[0].items())
