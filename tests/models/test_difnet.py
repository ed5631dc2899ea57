"""DifNet: one ResNet for both branches, and diffusion of given seeds."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import adaptive_max_pool2d

from difnet.config import LEVELS, InputError
from difnet.models import DifNet, build, parameter_count
from difnet.models.resnet import DilatedResNet

IMAGES = torch.randn(2, 3, 33, 41, generator=torch.Generator().manual_seed(0))


def network(**overrides: object) -> DifNet:
    torch.manual_seed(0)
    built = build("difnet-nano", 5, **overrides)
    assert isinstance(built, DifNet)
    return built


def test_one_copy_of_a_shared_resnet() -> None:
    shared, separate = network(shared_resnet=True), network()
    names = set(shared.state_dict())
    assert names < set(separate.state_dict())
    assert not any(name.startswith("similarity_branch.resnet") for name in names)
    resnet = parameter_count(separate.seed_branch.resnet)
    assert parameter_count(separate) - parameter_count(shared) == resnet


def test_levels_come_from_the_shared_resnet() -> None:
    shared = network(shared_resnet=True).eval()
    scores, levels = shared.branches(IMAGES)
    features = [IMAGES, *shared.seed_branch.resnet(IMAGES)]
    assert torch.equal(scores, shared.seed_branch.classifier(features[-1]))
    for level, maps, name in zip(levels, features, LEVELS, strict=True):
        convolution, norm = shared.similarity_branch.embeddings[name]
        embedded = adaptive_max_pool2d(norm(convolution(maps)), scores.shape[2:]).flatten(2)
        torch.testing.assert_close(level, embedded, rtol=1e-5, atol=1e-5, msg=name)


def test_a_shared_resnet_sees_each_batch_once() -> None:
    shared = network(shared_resnet=True).train()
    passes = []
    resnets = [module for module in shared.modules() if isinstance(module, DilatedResNet)]
    assert len(resnets) == 1
    resnets[0].register_forward_hook(lambda *_: passes.append(1))
    shared(IMAGES)
    assert passes == [1]
    assert resnets[0].bn1.num_batches_tracked.item() == 1


def test_both_branches_train_the_shared_resnet() -> None:
    shared = network(shared_resnet=True)
    scores, levels = shared.branches(IMAGES)
    weight = shared.seed_branch.resnet.conv1.weight
    for output in (scores, levels[3]):
        (gradient,) = torch.autograd.grad(output.square().mean(), weight, retain_graph=True)
        assert gradient.abs().max() > 0


def test_different_resnets_cannot_be_shared() -> None:
    with pytest.raises(InputError, match="model.shared_resnet: the two ResNets of difnet-18-50 differ"):
        build("difnet-18-50", 5, shared_resnet=True)


@pytest.mark.parametrize("overrides", [{"shared_resnet": True}, {"diffusion": "dense_inverse"}, {}])
def test_diffusing_its_own_seeds_is_the_forward_pass(overrides: dict) -> None:
    own = network(**overrides).eval()
    prediction = own(IMAGES)
    scores, levels = own.branches(IMAGES)
    assert torch.equal(scores, prediction.scores)
    assert torch.equal(own.diffuse(levels, prediction.seeds), prediction.logits)


def test_levels_on_another_grid() -> None:
    for overrides in ({}, {"shared_resnet": True}, {"seeds": "similarity_branch", "importance": False}):
        _, levels = network(**overrides).eval().branches(IMAGES, (4, 7))
        assert [tuple(level.shape) for level in levels] == [(2, 64, 28)] * 5


def test_nothing_to_diffuse() -> None:
    plain = network(diffusion="none").eval()
    scores, levels = plain.branches(IMAGES)
    assert levels == []
    assert plain.diffuse(levels, scores) is scores
