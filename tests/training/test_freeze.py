"""What is frozen stays equal to the bit, takes no gradient, and is computed once where both start alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from difnet.config import InputError, plan
from difnet.config.freezing import same_networks
from difnet.models import build, build_from_config
from difnet.models.backbone import freeze_backbones
from difnet.models.weight_file import write_weights
from difnet.timing.step_cost import step_cost
from difnet.training import make_optimiser
from tests.conftest import CATALOGUE
from tests.training.conftest import Trainer, same

BACKBONES = ("resnet-nano", "timm/tf_efficientnet_lite0")
PARTS = ("seed_branch.resnet.", "similarity_branch.resnet.")


@pytest.fixture(params=BACKBONES)
def backbone(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def weights(backbone: str, tmp_path: Path) -> str:
    torch.manual_seed(0)
    network = build("deeplab", 5, backbone=backbone)
    network.train()(torch.randn(2, 3, 32, 32))  # statistics of batch norms that are not those of the start
    path = tmp_path / "given.safetensors"
    write_weights(network.seed_branch.resnet.weight_holder, path)
    return str(path)


def settings(backbone: str, weights: str, freeze: str) -> list[str]:
    return [
        f"model.backbone={backbone}",
        f"model.weights={weights}",
        f"train.freeze={freeze}",
        "train.steps=3",
    ]


def differing(first: dict[str, Tensor], second: dict[str, Tensor]) -> set[str]:
    return {name for name in first if not torch.equal(first[name], second[name])}


def test_whole_backbones_stay_and_are_one(
    train: Trainer, tmp_path: Path, backbone: str, weights: str
) -> None:
    chosen = settings(backbone, weights, "backbone")
    run = train.config(*chosen, ablation="cascade")
    before = build_from_config(run.model, 7, seed=0).state_dict()
    after = train(tmp_path / "run", *chosen, ablation="cascade")
    assert run.model.shared_resnet
    assert not any(name.startswith(PARTS[1]) for name in after)
    changed = differing(before, after)
    assert not any(name.startswith(PARTS) for name in changed)
    assert {"seed_branch.classifier.convolutions.0.weight", "diffusion.alpha.0"} <= changed


def test_up_to_a_layer(train: Trainer, tmp_path: Path, backbone: str, weights: str) -> None:
    chosen = settings(backbone, weights, "layer2")
    run = train.config(*chosen, ablation="cascade")
    network = build_from_config(run.model, 7, seed=0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    after = train(tmp_path / "run", *chosen, ablation="cascade")
    still = {f"{part}{name}" for part in PARTS for name in up_to_layer2(network.seed_branch.resnet)}
    assert still
    changed = differing(before, after)
    assert not changed & still
    learned = {name for name, _ in network.named_parameters() if name.startswith(PARTS)} - still
    assert learned <= changed


def up_to_layer2(backbone: torch.nn.Module) -> set[str]:
    """Names of the tensors that layer2 depends on, by their gradients."""
    layers = backbone.eval()(torch.randn(1, 3, 64, 64))
    parameters = dict(backbone.named_parameters())
    gradients = torch.autograd.grad(layers[1].square().sum(), list(parameters.values()), allow_unused=True)
    used = {name for name, gradient in zip(parameters, gradients, strict=True) if gradient is not None}
    modules = {name.rpartition(".")[0] for name in used}
    return {name for name in backbone.state_dict() if name.rpartition(".")[0] in modules}


@pytest.mark.parametrize("freeze", ["layer2", "backbone"])
def test_resumes_to_the_bit(
    train: Trainer,
    tmp_path: Path,
    before_step: Callable[[int, Callable[[], object]], None],
    *,
    weights: str,
    backbone: str,
    freeze: str,
) -> None:
    chosen = settings(backbone, weights, freeze)
    undisturbed = train(tmp_path / "undisturbed", *chosen)

    def stop() -> None:
        raise KeyError

    before_step(2, stop)
    with pytest.raises(KeyError):
        train(tmp_path / "run", *chosen)
    assert same(train(tmp_path / "run", *chosen), undisturbed)


def test_frozen_parts_take_no_gradient_memory_or_backward_pass(
    train: Trainer, weights: str, backbone: str
) -> None:
    run = train.config(*settings(backbone, weights, "backbone"), ablation="cascade")
    network = build_from_config(run.model, 7, seed=0)
    freeze_backbones(network, "backbone")
    network.train()
    held = {
        id(weight) for group in make_optimiser(network, run.train).param_groups for weight in group["params"]
    }
    frozen = list(network.seed_branch.resnet.parameters())
    assert frozen and not held & set(map(id, frozen))
    layers = network.seed_branch.resnet(torch.randn(2, 3, 32, 32))
    assert not any(layer.requires_grad for layer in layers)
    norms = [module for module in network.seed_branch.resnet.modules() if isinstance(module, _BatchNorm)]
    assert norms and not any(norm.training for norm in norms)
    whole, still = (
        step_cost(run.model, classes=7, size=(64, 64), half=False, freeze=freeze)
        for freeze in ("none", "backbone")
    )
    count = sum(weight.numel() for weight in frozen)
    assert whole.parameters == still.parameters
    assert whole.state - still.state == 8 * count
    assert still.operations < 0.6 * whole.operations
    assert still.activations < 0.6 * whole.activations


def test_different_weights_stay_two_backbones(train: Trainer, weights: str, backbone: str) -> None:
    each = f"{{seed_branch: {weights}, similarity_branch: %s}}"
    for other, shared in ((weights, True), ("null", False)):
        run = train.config(*settings(backbone, each % other, "backbone"), ablation="cascade")
        assert run.model.shared_resnet == shared


def test_the_plan_says_what_is_one_network_and_what_stays_random() -> None:
    chosen = {"benchmarks": ["tiny"], "ablations": ["cascade", "shared_resnet", "deeplab"]}
    lite = ["model.backbone=timm/tf_efficientnet_lite0", "train.freeze=backbone"]
    (frozen,) = plan(CATALOGUE, {**chosen, "set": [*lite, "model.weights=packaged"]}).benchmarks.values()
    assert [variant.name for variant in frozen.variants] == ["cascade", "deeplab"]
    assert frozen.left_out == ("tiny: shared_resnet is left out: frozen, it is the network of cascade",)
    assert frozen.twins == {"shared_resnet": "cascade"}
    (random,) = plan(CATALOGUE, {**chosen, "set": lite}).benchmarks.values()
    assert [variant.name for variant in random.variants] == ["cascade", "shared_resnet", "deeplab"]
    assert len(random.left_out) == 1 and "keep the random values" in random.left_out[0]


def test_a_network_whose_weights_others_take_is_not_left_out(train: Trainer) -> None:
    chosen = settings("timm/tf_efficientnet_lite0", "packaged", "backbone")
    runs = {name: train.config(*chosen, ablation=name) for name in ("cascade", "shared_resnet")}
    assert same_networks(runs) == {"shared_resnet": "cascade"}
    scored = runs["cascade"].model_copy(update={"weights_of": "shared_resnet"})
    assert same_networks({**runs, "scored": scored}) == {}


def test_a_layer_that_does_not_exist(train: Trainer) -> None:
    with pytest.raises(InputError, match="train.freeze: input should be 'none', 'layer1'"):
        train.config("train.freeze=layer5")
