"""Statistics of transition matrices that are known."""

from __future__ import annotations

import math

import pytest
import torch

from difnet.timing.feature_statistics import describe_features, feature_row


def test_equal_nodes() -> None:
    row = feature_row("start", 2, torch.full((4, 1500), 5.0))
    assert (row.features, row.level, row.nodes) == ("start", 2, 1500)
    assert row.median_half_norm == row.largest_half_norm == 50.0 and row.share_large == 1.0
    assert row.entropy == pytest.approx(math.log(1500), abs=1e-4) and row.share_tiny == 0.0


def test_nodes_far_apart() -> None:
    """P is the identity; the first of four nodes lies below the bound of 40."""
    features = torch.diag(torch.tensor([8.9, 10.0, 12.0, 14.0]))
    row = feature_row("trained", 1, features)
    assert row.share_large == 0.75 and row.largest_half_norm == 98.0
    assert row.entropy == pytest.approx(0.0, abs=1e-6) and row.share_tiny == 12 / 16


def test_one_row_a_size_and_level() -> None:
    frame = describe_features({"random": lambda nodes: [torch.randn(1, 4, nodes)] * 2}, (64, 16))
    assert frame[["features", "level", "nodes"]].to_numpy().tolist() == [
        ["random", level, nodes] for nodes in (16, 64) for level in (1, 2)
    ]
