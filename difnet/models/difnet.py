"""DifNet and its baseline: seeds from one branch, diffused along the similarities of another.

B batch, C classes, D embedding, H W image size, h w grid (about H/8, W/8), N = h*w nodes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from difnet.models.rule_protocol import apply_rule
from difnet.models.seed_branch import ImportanceMap, SeedBranch
from difnet.models.similarity_branch import SimilarityBranch


class Prediction(NamedTuple):
    """What a network returns; a part that a variant does not have is None."""

    logits: Tensor
    """(B, C, h, w) after diffusion."""
    scores: Tensor | None
    """(B, C, h, w) of the seed branch before re-weighting."""
    importance: Tensor | None
    """(B, 1, h, w) in (0, 1)."""
    seeds: Tensor | None
    """(B, C, h, w), importance * scores."""


class DeepLab(nn.Module):
    """Sim-DeepLab: the seed branch alone, without importance map and diffusion."""

    def __init__(self, seed_branch: SeedBranch) -> None:
        super().__init__()
        self.seed_branch = seed_branch

    def forward(self, images: Tensor) -> Prediction:
        """(B, 3, H, W) -> Prediction."""
        scores, _ = self.seed_branch(images)
        return Prediction(logits=scores, scores=scores, importance=None, seeds=None)


class DifNet(nn.Module):
    """Seeds = importance * scores, diffused along the levels (Jiang et al., NeurIPS 2018).

    Args:
        seed_branch: Gives the scores; None where the classifier of the similarity branch does.
        importance_map: None leaves the scores as they are.
        similarity_branch: Gives the levels; None where nothing is diffused.
        diffusion: Maps levels and seeds to diffused seeds; None where nothing is diffused.
    """

    def __init__(
        self,
        *,
        seed_branch: SeedBranch | None,
        importance_map: ImportanceMap | None,
        similarity_branch: SimilarityBranch | None,
        diffusion: nn.Module | None,
    ) -> None:
        super().__init__()
        self.seed_branch = seed_branch
        self.importance_map = importance_map
        self.similarity_branch = similarity_branch
        self.diffusion = diffusion

    def forward(self, images: Tensor) -> Prediction:
        """(B, 3, H, W) -> Prediction."""
        scores, levels = self.branches(images)
        importance = None if self.importance_map is None else self.importance_map(scores)
        seeds = scores if importance is None else importance * scores
        logits = self.diffuse(levels, seeds)
        return Prediction(logits=logits, scores=scores, importance=importance, seeds=seeds)

    def branches(self, images: Tensor, grid: tuple[int, int] | None = None) -> tuple[Tensor, list[Tensor]]:
        """Scores of the seeds and levels of the similarities.

        Args:
            images: (B, 3, H, W).
            grid: Height and width of the grid of the levels; None for that of the scores.

        Returns:
            (B, C, h, w), and one (B, D, N) a level; none where nothing is diffused.
        """
        if self.seed_branch is None:
            assert self.similarity_branch is not None
            levels, scores = self.similarity_branch(images, grid)
            return scores, levels
        scores, layers = self.seed_branch(images)
        if self.similarity_branch is None:
            return scores, []
        shared = layers if self.similarity_branch.shares_resnet else None
        levels, _ = self.similarity_branch(images, grid or scores.shape[2:], shared)
        return scores, levels

    def diffuse(self, levels: list[Tensor], seeds: Tensor) -> Tensor:
        """Diffuse seeds (B, C, h, w) along levels (B, D, N) of the same grid -> (B, C, h, w).

        Every rule computes in single precision at least: bfloat16 would alter F^T F by whole units.
        """
        if self.diffusion is None:
            return seeds
        with torch.autocast(seeds.device.type, enabled=False):
            nodes = [_at_least_single(level) for level in levels]
            diffused = apply_rule(self.diffusion, nodes, _at_least_single(seeds.flatten(2)))
        return diffused.reshape(seeds.shape)


def _at_least_single(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
