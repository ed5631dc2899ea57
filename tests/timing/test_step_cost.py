"""The count without computing: that of a real training step; the formulas: those of plain products."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from difnet.config import ModelConfig
from difnet.models import DifNet, build_from_config, parameter_count
from difnet.models.diffusion_rules import make_rule
from difnet.timing.step_cost import diffusion_cost, step_cost
from difnet.training import segmentation_loss

CLASSES = 5
SIZE = (41, 57)
NODES = 6 * 8


def model(**keys: object) -> ModelConfig:
    return ModelConfig.model_validate({"name": "difnet-nano", "embedding_dim": 8, **keys})


class Storages:
    """Bytes of all that is saved, each memory once; tensors of the network are left out."""

    def __init__(self, network: torch.nn.Module) -> None:
        self.own = {tensor.data_ptr() for tensor in (*network.parameters(), *network.buffers())}
        self.bytes: dict[int, int] = {}
        self.kept: list[torch.Tensor] = []

    def keep(self, tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        self.kept.append(tensor)
        if storage.data_ptr() not in self.own:
            self.bytes[storage.data_ptr()] = storage.nbytes()
        return tensor


@pytest.mark.parametrize("keys", [{"diffusion": "none"}, {"name": "deeplab-nano"}, {"name": "deeplab-18"}])
def test_convolutions_of_a_real_step(keys: dict[str, object]) -> None:
    config = model(**keys)
    network = build_from_config(config, CLASSES).train()
    images, labels = torch.randn(1, 3, *SIZE), torch.zeros(1, *SIZE, dtype=torch.int64)
    storages = Storages(network)
    with FlopCounterMode(display=False) as counter:
        with saved_tensors_hooks(storages.keep, lambda tensor: tensor):
            loss = segmentation_loss(network(images).logits, labels)
        loss.backward()
    cost = step_cost(config, classes=CLASSES, size=SIZE, half=False)
    assert cost.parameters == parameter_count(network)
    assert cost.operations == counter.get_total_flops()
    assert cost.activations == pytest.approx(sum(storages.bytes.values()), rel=0.01)


def test_small_images_of_which_a_batch_norm_sees_one_node() -> None:
    config = model(name="deeplab", backbone="timm/mobilenetv3_small_100")
    small, large = (step_cost(config, classes=CLASSES, size=(side, side), half=False) for side in (32, 64))
    assert large.operations == pytest.approx(4 * small.operations, rel=0.05)


@pytest.mark.parametrize("backbone", ["timm/tf_efficientnet_lite0", "timm/resnet10t"])
def test_each_derivative_costs_as_much_as_the_forward_pass(backbone: str) -> None:
    """Of depthwise convolutions too: their weights' derivative is no dense one. The stem needs one alone."""
    config = model(name="deeplab", backbone=backbone)
    network = build_from_config(config, CLASSES)
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        network(torch.randn(1, 3, *SIZE))
    stem = next(layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d))
    of_stem = 2 * stem.weight.numel() * (SIZE[0] // 2 + 1) * (SIZE[1] // 2 + 1)
    cost = step_cost(config, classes=CLASSES, size=SIZE, half=False)
    # and the few of the loss
    assert cost.operations == pytest.approx(3 * forward.get_total_flops() - of_stem, rel=0.001)


def test_bfloat16_keeps_half() -> None:
    single = step_cost(model(), classes=CLASSES, size=SIZE, half=False)
    half = step_cost(model(), classes=CLASSES, size=SIZE, half=True)
    assert half.operations == single.operations
    assert 0.5 < half.activations / single.activations < 0.65


def test_both_branches_count() -> None:
    """Operations of a DifNet are those of its parts: the branches with all gradients, and the diffusion."""
    config = model()
    network = build_from_config(config, CLASSES).train()
    assert isinstance(network, DifNet)
    network.diffuse = lambda levels, seeds: seeds + sum(level.sum() for level in levels)  # type: ignore
    with FlopCounterMode(display=False) as counter:
        logits = network(torch.randn(1, 3, *SIZE)).logits
        segmentation_loss(logits, torch.zeros(1, *SIZE, dtype=torch.int64)).backward()
    operations, _ = diffusion_cost(config, classes=CLASSES, nodes=NODES)
    found = step_cost(config, classes=CLASSES, size=SIZE, half=False).operations
    assert found == counter.get_total_flops() + operations
    more = step_cost(model(repeats=3), classes=CLASSES, size=SIZE, half=False).operations
    assert more - found == 2 * operations


def plain_walk() -> int:
    """Operations of softmax(F^T F) h with its gradients, by products alone."""
    features = torch.randn(1, 8, NODES, requires_grad=True)
    signal = torch.randn(1, CLASSES, NODES, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        (signal @ torch.softmax(features.mT @ features, dim=-1).mT).sum().backward()
    return counter.get_total_flops()


def test_walks_are_counted_as_products_and_their_logits_twice() -> None:
    logits = 2 * NODES**2 * 8
    operations, matrices = diffusion_cost(model(levels=["layer4"]), classes=CLASSES, nodes=NODES)
    assert operations == plain_walk() + logits
    assert matrices == 0
    built, matrices = diffusion_cost(
        model(levels=["layer4"], transition={"kind": "top_k"}), classes=CLASSES, nodes=NODES
    )
    assert (built, matrices) == (plain_walk(), 1)


@pytest.mark.parametrize(
    "keys", [{"diffusion": "dense_inverse"}, {"transition": {"kind": "top_k", "k": 1}}, {}]
)
def test_matrices_that_the_diffusion_keeps(keys: dict[str, object]) -> None:
    """Those that autograd saves; the factors of the dense inverse are kept beside them."""
    config = model(**keys)
    rule = make_rule(config)
    nodes = 900  # more than those of a grid so small that a walk holds P
    features = [0.3 * torch.randn(1, 8, nodes, requires_grad=True) for _ in config.levels]
    seeds = torch.randn(1, CLASSES, nodes, requires_grad=True)
    storages = Storages(rule)
    with saved_tensors_hooks(storages.keep, lambda tensor: tensor):
        rule(features, seeds)
    saved = np.array(list(storages.bytes.values())) == 4 * nodes**2
    _, matrices = diffusion_cost(config, classes=CLASSES, nodes=nodes)
    assert saved.sum() + (config.diffusion == "dense_inverse") == matrices


def test_solvers_cost_more_with_more_nodes() -> None:
    def ratio(diffusion: str) -> float:
        rule = model(diffusion=diffusion)
        large, small = (diffusion_cost(rule, classes=CLASSES, nodes=nodes)[0] for nodes in (4096, 2048))
        return large / small

    assert ratio("cascade") == ratio("iterative_inverse") == 4.0
    assert 7.0 < ratio("dense_inverse") < 8.0
