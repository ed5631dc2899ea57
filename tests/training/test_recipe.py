"""The recipe of the paper: eight training steps equal the authors' in float64."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from difnet.config import TrainConfig, resolve_run
from difnet.models import build, from_official
from difnet.training import learning_rate, make_optimiser, segmentation_loss, training_step
from tests.conftest import CATALOGUE
from tests.models import golden

TRAJECTORY = json.loads((golden.FOLDER / "trajectory.json").read_text())
RECIPE = TrainConfig(
    steps=50, learning_rate=2.5e-4 * 10, momentum=0.9, weight_decay=5e-4, power=0.9, precision="fp32"
)


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    images = np.random.default_rng(8).normal(0, 1, (4, 3, 65, 65)).astype(np.float32)
    rng = np.random.default_rng(9)
    labels = rng.integers(0, 21, (4, 65, 65))
    labels[rng.random((4, 65, 65)) < 0.1] = 255
    return torch.from_numpy(images).double(), torch.from_numpy(labels)


@pytest.mark.parametrize("steps", [2, pytest.param(8, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["difnet-18", "nodif-50"])
def test_steps_equal_the_authors(name: str, steps: int) -> None:
    expected = TRAJECTORY[name]
    weights = golden.weights(golden.description(name)["state_dict_shapes"])
    network = from_official(weights).double().train()
    optimiser = make_optimiser(network, RECIPE)
    images, labels = _batch()
    losses = [
        training_step(network, optimiser, images, labels, step=step, train=RECIPE).item()
        for step in range(steps)
    ]
    assert losses == pytest.approx(expected["losses"][:steps], rel=1e-6)
    if steps < len(expected["losses"]):
        return
    norm = torch.stack([parameter.norm() for parameter in network.parameters()]).norm().item()
    assert norm == pytest.approx(expected["final_parameter_l2"], rel=1e-6)


def test_learning_rates_equal_the_authors() -> None:
    rates = [learning_rate(step, RECIPE) for step in range(8)]
    assert rates == TRAJECTORY["difnet-18"]["learning_rates"]


def test_learning_rate_of_every_step_of_voc2012() -> None:
    """Of each of 132,400 steps and of all parameters: 10 times 2.5e-4, decayed as by their scheduler."""
    train = resolve_run(CATALOGUE, benchmark="voc2012", ablation="cascade", seed=0).train
    steps = np.arange(132_400)
    rates = np.array([learning_rate(step, train) for step in steps])
    np.testing.assert_allclose(rates, 2.5e-4 * (10 * (1 - steps / 132_400) ** 0.9), rtol=1e-12)
    network = build("difnet-nano", 21)
    (group,) = make_optimiser(network, train).param_groups
    assert {id(weight) for weight in group["params"]} == {id(weight) for weight in network.parameters()}
    assert (group["momentum"], group["weight_decay"]) == (0.9, 5e-4)
    assert (group["dampening"], group["nesterov"]) == (0, False)


@pytest.mark.parametrize(("batch", "groups"), [(8, [2, 2, 2, 2]), (6, [2, 2, 2]), (3, [1, 1, 1])])
def test_norms_over_groups_are_those_of_several_gpus(batch: int, groups: list[int]) -> None:
    """One step with `norm_images` against copies of the network that each see a group, as in DataParallel."""
    train = RECIPE.model_copy(update={"batch_size": 8, "norm_images": 2})
    torch.manual_seed(0)
    network = build("difnet-nano", 5).double().train()
    images = torch.randn(batch, 3, 41, 41, dtype=torch.float64)
    labels = torch.randint(5, (batch, 41, 41)).masked_fill(torch.rand(batch, 41, 41) < 0.1, 255)
    copies = [deepcopy(network) for _ in groups]
    logits = [copy(part).logits for copy, part in zip(copies, images.split(groups[0]), strict=True)]
    expected = segmentation_loss(torch.cat(logits), labels)
    expected.backward()
    gradients = {
        name: sum(copy.get_parameter(name).grad for copy in copies) for name, _ in network.named_parameters()
    }
    loss = training_step(network, make_optimiser(network, train), images, labels, step=0, train=train)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    for name, weight in network.named_parameters():
        assert torch.allclose(weight.grad, gradients[name], rtol=1e-9, atol=1e-12), name
    statistics = {name: tensor for name, tensor in network.named_buffers() if "num_batches" not in name}
    for name, tensor in statistics.items():
        assert torch.equal(tensor, copies[0].get_buffer(name)), name
    assert all(norm.momentum == 0.1 for norm in network.modules() if isinstance(norm, nn.BatchNorm2d))


def test_void_takes_no_part_in_the_loss() -> None:
    logits = torch.tensor([[[[2.0, -1.0]], [[0.0, 3.0]]]])
    labels = torch.tensor([[[0, 255]]])
    assert segmentation_loss(logits, labels).item() == pytest.approx(np.log1p(np.exp(-2.0)), rel=1e-6)


def test_loss_of_nothing_but_void_is_zero() -> None:
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = segmentation_loss(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert logits.grad.abs().max().item() == 0.0
