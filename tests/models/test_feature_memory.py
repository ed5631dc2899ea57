"""What a frozen backbone has computed once is not computed again, and changes no bit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from difnet.models import build, feature_memory
from difnet.models.backbone import freeze_backbones
from difnet.models.resnet import DilatedResNet


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Images that backbones have computed, a call an entry."""
    calls: list[int] = []
    plain = DilatedResNet.compute

    def counted(self: DilatedResNet, images: Tensor) -> list[Tensor]:
        calls.append(len(images))
        return plain(self, images)

    monkeypatch.setattr(DilatedResNet, "compute", counted)
    return calls


def backbone(part: str = "backbone") -> DilatedResNet:
    torch.manual_seed(0)
    network = build("deeplab-nano", 5)
    freeze_backbones(network, part, remember=True)
    found = network.train().seed_branch.resnet
    assert isinstance(found, DilatedResNet)
    return found


def images(*seeds: int) -> Tensor:
    each = [torch.randn(3, 24, 32, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(each).contiguous(memory_format=torch.channels_last)


def test_an_image_is_computed_once_whatever_its_batch(computed: list[int]) -> None:
    resnet = backbone()
    first = resnet(images(1, 2))
    again = resnet(images(3, 2, 1))
    assert computed == [1, 1, 1]
    assert all(torch.equal(before, after[[2, 1]]) for before, after in zip(first, again, strict=True))
    expected = resnet.eval()(images(2))
    assert all(torch.allclose(before[1:], exact) for before, exact in zip(first, expected, strict=True))


def test_bits_do_not_depend_on_what_is_kept(computed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = backbone()
    kept(images(1, 2))
    monkeypatch.setattr(feature_memory, "MOST_BYTES", 0)
    forgetful = backbone()
    for _ in range(2):
        assert all(map(torch.equal, kept(images(2, 3)), forgetful(images(2, 3))))
    assert len(computed) == 2 + 1 + 4


def test_what_is_trained_or_scored_is_computed_anew(computed: list[int]) -> None:
    for resnet in (backbone("layer3"), backbone().eval()):
        computed.clear()
        for _ in range(2):
            resnet(images(1, 2))
        assert computed == [2, 2]
