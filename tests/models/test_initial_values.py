"""Initial values: equal in all that variants of one seed share, with the stated distributions."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from difnet.config import plan
from difnet.models import build, build_from_config
from difnet.training import segmentation_loss
from tests.conftest import CATALOGUE

(PLAN,) = plan(CATALOGUE, {"benchmarks": ["tiny"], "ablations": ["*"], "seeds": [0]}).benchmarks.values()
MODELS = {run.variant: run.model for run in PLAN.first_runs}
SHARED = {"deeplab": 80, "seed_only": 98, "shared_resnet": 143, "similarity_only": 117}
"""Tensors, buffers included, that a variant has in common with the cascade."""
RANDOM_RULE = """
import torch
from torch import nn


class Random(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.share = nn.Parameter(torch.rand(3))
        self.layer = nn.Linear(2, 2)
        nn.init.zeros_(self.layer.weight)

    def forward(self, levels, seeds):
        return self.share.mean() * seeds
"""


def state(variant: str, seed: int = 7) -> dict[str, torch.Tensor]:
    return build_from_config(MODELS[variant], 7, seed=seed).state_dict()


@pytest.mark.parametrize("variant", MODELS)
def test_what_variants_share_starts_equal(variant: str) -> None:
    """Every tensor of the same name and shape, in whatever order the variants are built.

    Left out are what an ablation sets, scalars and the start of the classifier, and biases beside weights of
    another shape: their range follows from the number of inputs.
    """
    cascade, own = state("cascade"), state(variant)
    shared = [name for name, tensor in own.items() if name in cascade and tensor.shape == cascade[name].shape]
    fixed = MODELS[variant].restart != "learned" or MODELS[variant].skip != "learned"
    wide = MODELS[variant].aspp_start == "he"
    for name in shared:
        set_by_ablation = (fixed and name.startswith("diffusion.")) or (wide and ".classifier." in name)
        other_inputs = name.endswith(".bias") and f"{name.removesuffix('bias')}weight" not in shared
        assert set_by_ablation or other_inputs or torch.equal(own[name], cascade[name]), name
    if variant in SHARED:
        assert len(shared) == SHARED[variant]


def test_modules_and_seeds_draw_numbers_of_their_own() -> None:
    first, second = state("cascade", 0), state("cascade", 1)
    random = [name for name, tensor in first.items() if tensor.ndim == 4]
    assert not any(torch.equal(first[name], second[name]) for name in random)
    starts = {tuple(first[name].flatten()[:3].tolist()) for name in random}
    assert len(starts) == len(random)


@pytest.mark.parametrize(
    ("module", "kind", "scale"),
    [
        ("seed_branch.resnet.layer3.0.conv1", "normal", (2 / (9 * 256)) ** 0.5),
        ("similarity_branch.resnet.layer4.0.downsample.0", "normal", (2 / 512) ** 0.5),
        ("seed_branch.classifier.convolutions.2", "normal", 0.01),
        ("similarity_branch.embeddings.layer4.0", "uniform", 512**-0.5),
        ("importance_map.layers.2", "uniform", (25 * 21) ** -0.5),
    ],
)
def test_distributions(module: str, kind: str, scale: float) -> None:
    """Deviation of the normal ones, largest value of the uniform ones, within 5%."""
    convolution = build_from_config(MODELS["cascade"].model_copy(update={"name": "difnet-18"}), 21, seed=0)
    weight = convolution.get_submodule(module).weight
    share_within = (weight.abs() < scale).float().mean().item()
    assert weight.mean().abs() < 0.05 * scale
    if kind == "normal":
        assert weight.std().item() == pytest.approx(scale, rel=0.05)
        assert share_within == pytest.approx(0.683, abs=0.02)
    else:
        assert share_within == 1.0
        assert weight.std().item() == pytest.approx(scale / 3**0.5, rel=0.05)


def test_authors_start_differs_in_the_classifier_alone() -> None:
    """Their ResNet's loop reaches the classifier, which is in it; importance map and embeddings are not."""
    sizes = {"name": "difnet-18"}
    narrow, wide = (
        build_from_config(MODELS["cascade"].model_copy(update={**sizes, "aspp_start": start}), 21, seed=0)
        for start in ("narrow", "he")
    )
    own = narrow.state_dict()
    changed = [name for name, tensor in wide.state_dict().items() if not torch.equal(tensor, own[name])]
    assert changed == [f"seed_branch.classifier.convolutions.{place}.weight" for place in range(4)]
    for name in changed:
        assert own[name].std().item() == pytest.approx(0.01, rel=0.05)
        assert wide.state_dict()[name].std().item() == pytest.approx(0.103, rel=0.05)


def test_authors_start_makes_wide_scores_and_a_large_first_loss() -> None:
    """As of the authors' code: scores with a deviation near 9 instead of 0.8, a loss far above log 21."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 129, 129, generator=generator)
    labels = torch.randint(21, (2, 129, 129), generator=generator)
    deviations, losses = {}, {}
    for start in ("narrow", "he"):
        model = MODELS["cascade"].model_copy(update={"name": "difnet-18", "aspp_start": start})
        with torch.no_grad():
            prediction = build_from_config(model, 21, seed=0).train()(images)
        deviations[start] = prediction.scores.std().item()
        losses[start] = segmentation_loss(prediction.logits, labels).item()
    assert deviations["narrow"] == pytest.approx(0.85, abs=0.15)
    assert deviations["he"] == pytest.approx(8.8, rel=0.15)
    assert losses["narrow"] == pytest.approx(3.1, abs=0.1) and losses["he"] > 6


def test_biases_are_pytorchs() -> None:
    bias = build("difnet-nano", 200).seed_branch.classifier.convolutions[0].bias
    bound = (128 * 9) ** -0.5
    assert bound * 0.95 < bias.abs().max().item() <= bound


def test_a_rule_of_the_user_draws_under_its_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its constructor set stays, and is equal whatever else the network holds."""
    (project / "ablations" / "random_rule.py").write_text(RANDOM_RULE)
    monkeypatch.chdir(project)
    model = MODELS["cascade"].model_copy(update={"diffusion": "random_rule"})
    changed = {"shared_resnet": True, "importance": False}
    rules = [
        build_from_config(model.model_copy(update=changes), 5, seed=seed).diffusion
        for changes, seed in (({}, 0), (changed, 0), ({}, 1))
    ]
    assert torch.equal(rules[0].share, rules[1].share)
    assert not torch.equal(rules[0].share, rules[2].share)
    assert not rules[0].layer.weight.any()


def test_without_a_seed_pytorchs_random_numbers_decide() -> None:
    values = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        values.append([build("deeplab-nano", 5).seed_branch.resnet.conv1.weight for _ in range(2)])
    assert torch.equal(values[0][0], values[1][0]) and torch.equal(values[0][1], values[1][1])
    assert not torch.equal(values[0][0], values[0][1])
    assert not torch.equal(values[0][0], values[2][0])
