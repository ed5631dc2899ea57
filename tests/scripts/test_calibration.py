"""Nominal 95% intervals cover; family-wise errors stay below their level (table: docs/statistics.md)."""

from __future__ import annotations

import pytest

from scripts.calibration import RATIOS, SEEDS, coverage, family_wise_error


@pytest.mark.slow
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("seeds", SEEDS)
def test_coverage(seeds, ratio):
    row = coverage(seeds, ratio, studies=500)
    assert 0.92 <= row.covered <= 0.99
    assert row.width > 0


@pytest.mark.slow
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("seeds", SEEDS)
def test_family_wise_error(seeds, ratio):
    assert family_wise_error(seeds, ratio, studies=500) <= 0.07


def test_coverage_in_short():
    """120 studies of the hardest cell: images alone or seeds alone do not cover, both together do."""
    row = coverage(3, 2.0, studies=120)
    assert row.covered >= 0.92
    assert row.images_only < 0.90 and row.seeds_only < 0.95
