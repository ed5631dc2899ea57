"""Error maps of the gallery, and the places of labels."""

from __future__ import annotations

import numpy as np

from difnet.report.figures.side_labels import spread
from difnet.report.figures.tradeoff import pareto_front
from difnet.report.map_pictures import FAR, NEAR, RIGHT, UNLABELLED, error_kinds


def test_errors_are_sorted_by_distance_to_the_boundary() -> None:
    truth = np.zeros((40, 40), dtype=np.uint8)
    truth[:, 20:] = 1
    truth[0] = 255
    prediction = truth.copy()
    prediction[5, 19] = 1
    prediction[5, 5] = 1
    prediction[0] = 0
    kinds = error_kinds(prediction, truth)
    assert (kinds[5, 19], kinds[5, 5], kinds[5, 30], kinds[0, 3]) == (NEAR, FAR, RIGHT, UNLABELLED)
    assert (kinds == NEAR).sum() == (kinds == FAR).sum() == 1


def test_a_map_without_boundary_has_no_near_errors() -> None:
    kinds = error_kinds(np.ones((8, 8), dtype=np.uint8), np.zeros((8, 8), dtype=np.uint8))
    assert (kinds == FAR).all()


def test_labels_keep_their_distance_and_stay_inside() -> None:
    places = spread([0.95, 0.96, 0.97, 0.98], [0.1] * 4)
    assert np.all(np.diff(places) >= 0.1 - 1e-9) and max(places) <= 1


def test_pareto_front_keeps_equals_and_drops_the_beaten() -> None:
    assert pareto_front({"a": (1, 2), "b": (2, 1), "c": (1, 1), "d": (2, 1)}) == ["a", "b", "d"]
