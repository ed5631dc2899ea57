"""Which images the gallery shows."""

from __future__ import annotations

import numpy as np
import pytest

from difnet.evaluation.gallery_images import choose_images, gallery_indices, per_image_miou
from difnet.metrics import confusion_matrix, image_statistics, miou


@pytest.mark.parametrize(
    ("count", "shown", "indices"), [(10, 4, [0, 3, 6, 9]), (3, 8, [0, 1, 2]), (5, 1, [0]), (5, 0, [])]
)
def test_fixed_images_are_evenly_spaced(count: int, shown: int, indices: list[int]) -> None:
    assert gallery_indices(count, shown) == indices


def test_best_median_and_worst_by_the_difference() -> None:
    differences = np.array([0.3, -0.5, 0.1, np.nan, 0.2, 0.0])
    choices = choose_images(6, fixed=2, differences=differences)
    assert [(choice.index, choice.reasons) for choice in choices] == [
        (0, ("fixed", "best")),
        (5, ("fixed",)),
        (2, ("median",)),
        (1, ("worst",)),
    ]
    assert [choice.difference for choice in choices] == [0.3, 0.0, 0.1, -0.5]


def test_nothing_to_compare_leaves_the_fixed_images() -> None:
    choices = choose_images(9, fixed=3, differences=None)
    assert [(choice.index, choice.reasons) for choice in choices] == [
        (0, ("fixed",)),
        (4, ("fixed",)),
        (8, ("fixed",)),
    ]
    assert all(np.isnan(choice.difference) for choice in choices)
    assert choose_images(3, fixed=0, differences=np.full(3, np.nan)) == []


def test_miou_of_each_image_is_the_mean_over_runs() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, (2, 12, 12)).astype(np.uint8)
    truth[1] = 255
    predictions = random.integers(0, 3, (2, 2, 12, 12)).astype(np.uint8)
    runs = [image_statistics(["a", "b"], [(prediction, truth)], 3) for prediction in predictions]
    expected = np.mean([miou(confusion_matrix(run[0], truth[0], 3)) for run in predictions])
    values = per_image_miou(runs)
    assert values[0] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(values[1])
