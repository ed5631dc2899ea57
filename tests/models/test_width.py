"""Widths: channels multiplied, and networks of equal size."""

from __future__ import annotations

import pytest
import torch

from difnet.config import InputError
from difnet.models import build, parameter_count
from difnet.models.resnet import RESNETS, BasicBlock, ResNetShape


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
