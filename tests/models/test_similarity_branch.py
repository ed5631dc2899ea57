"""Learned temperatures: where they start, what they do, that they learn."""

from __future__ import annotations

import math

import pytest
import torch

from difnet.config import InputError
from difnet.models import DifNet, build

IMAGES = torch.randn(2, 3, 33, 41, generator=torch.Generator().manual_seed(0))
RULES = ["cascade", "dense_inverse", "iterative_inverse"]


def network(diffusion: str, **transition: object) -> DifNet:
    torch.manual_seed(0)
    built = build("difnet-nano", 5, diffusion=diffusion, transition=transition)
    assert isinstance(built, DifNet)
    return built.eval()


def logarithms(network: DifNet) -> list[torch.nn.Parameter]:
    assert network.similarity_branch is not None and network.similarity_branch.temperature is not None
    return list(network.similarity_branch.temperature.log)


@pytest.mark.parametrize("kind", ["softmax", "cosine"])
@pytest.mark.parametrize("diffusion", RULES)
def test_starts_at_the_default_of_the_kind(diffusion: str, kind: str) -> None:
    learned, default = network(diffusion, kind=kind, temperature="learned"), network(diffusion, kind=kind)
    start = {"softmax": 1.0, "cosine": 0.1}[kind]
    assert [math.exp(log.item()) for log in logarithms(learned)] == pytest.approx([start] * 5)
    added = set(learned.state_dict()) - set(default.state_dict())
    assert added == {f"similarity_branch.temperature.log.{level}" for level in range(5)}
    assert torch.allclose(learned(IMAGES).logits, default(IMAGES).logits, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", ["softmax", "cosine"])
@pytest.mark.parametrize("diffusion", RULES)
def test_does_what_a_fixed_temperature_does(diffusion: str, kind: str) -> None:
    learned = network(diffusion, kind=kind, temperature="learned")
    for log in logarithms(learned):
        log.data.fill_(math.log(3.0))
    fixed = network(diffusion, kind=kind, temperature=3.0)
    assert torch.allclose(learned(IMAGES).logits, fixed(IMAGES).logits, rtol=1e-3, atol=1e-5)
    default = network(diffusion, kind=kind)
    assert not torch.allclose(default(IMAGES).logits, fixed(IMAGES).logits, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("diffusion", RULES)
def test_every_level_learns_its_own(diffusion: str) -> None:
    learned = network(diffusion, kind="cosine", temperature="learned")
    learned(IMAGES).logits.square().mean().backward()
    gradients = [log.grad.item() for log in logarithms(learned)]
    assert all(gradient != 0 and math.isfinite(gradient) for gradient in gradients)
    assert len(set(gradients)) == 5


@pytest.mark.parametrize("kind", ["doubly_stochastic", "top_k"])
def test_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match=f"'learned' works with kind softmax or cosine, not {kind}; give a"):
        network("cascade", kind=kind, temperature="learned")
