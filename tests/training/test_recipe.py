"""The recipe of the paper: eight training steps equal the authors' in float64."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from difnet.config import TrainConfig
from difnet.models import from_official
from difnet.training import learning_rate, make_optimiser, segmentation_loss, training_step
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
