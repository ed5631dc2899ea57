"""What the transition matrices of some features are like, as far as it matters for the time of a walk.

B batch, D embedding, N nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
import torch
from torch import Tensor

from difnet.tables import FEATURES, FeatureRow
from difnet.timing.operator_inputs import Levels
from difnet.training import choose_device

LARGE, TINY = 40.0, 1e-30
"""Limits of `share_large`, on |f|^2 / 2, and of `share_tiny`, on the entries of P."""
BLOCK = 1024
"""Rows of P that are held at once."""


def describe_features(levels: Mapping[str, Levels], sizes: Iterable[int]) -> pd.DataFrame:
    """Describe P of every level at every size, on the first item of the batch.

    Args:
        levels: By name of the features, number of nodes -> the levels (B, D, N).
        sizes: Numbers of nodes.

    Returns:
        The columns of timing/features.csv.
    """
    return FEATURES.frame(
        feature_row(name, place, level[0].to(choose_device()))
        for nodes in sorted(sizes)
        for name, of_size in levels.items()
        for place, level in enumerate(of_size(nodes), start=1)
    )


def feature_row(name: str, place: int, features: Tensor) -> FeatureRow:
    """Describe P of one level.

    Args:
        name: Of the features.
        place: Of the level, from 1.
        features: (D, N).
    """
    nodes = features.shape[1]
    half_norms = features.square().sum(dim=0) / 2
    entropy = tiny = 0.0
    for start in range(0, nodes, BLOCK):
        transition = torch.softmax(features[:, start : start + BLOCK].mT @ features, dim=-1)
        entropy += float(torch.special.entr(transition).sum())
        tiny += float((transition < TINY).sum())
    return FeatureRow(
        features=name,
        level=place,
        nodes=nodes,
        median_half_norm=float(half_norms.median()),
        largest_half_norm=float(half_norms.max()),
        share_large=float((half_norms > LARGE).float().mean()),
        entropy=entropy / nodes,
        share_tiny=tiny / nodes**2,
    )
