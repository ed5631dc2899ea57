"""What must hold for any label maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from difnet.metrics import (
    boundary_f_one_to_one,
    boundary_f_score,
    boundary_iou,
    confusion_matrix,
    image_statistics,
    miou,
    scores_from_statistics,
    trimap_miou,
)

CLASSES = 5
NAMES = ["sky", "road", "tree", "car", "sign"]
SEEDS = st.integers(0, 2**32 - 1)
WHOLE_MAP_SCORES = (boundary_f_score, boundary_f_one_to_one, boundary_iou)


def patches(seed, void=0.1, size=(24, 30)):
    """A truth of patches with void, and a prediction with errors."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, CLASSES, (6, 6)).repeat(4, 0).repeat(5, 1)[: size[0], : size[1]]
    prediction = np.where(rng.random(truth.shape) < 0.2, rng.integers(0, CLASSES, truth.shape), truth)
    return prediction, np.where(rng.random(truth.shape) < void, 255, truth)


def statistics_of(*pairs):
    return image_statistics([f"image{index}" for index in range(len(pairs))], pairs, CLASSES)


def scores_of(*pairs):
    return scores_from_statistics(statistics_of(*pairs), NAMES).set_index(["metric", "class"])["value"]


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.permutations(range(CLASSES)))
def test_permuting_classes_permutes_per_class_values(seed, order):
    prediction, truth = patches(seed)
    renamed = np.array([*order, *range(CLASSES, 255), 255])
    before, after = scores_of((prediction, truth)), scores_of((renamed[prediction], renamed[truth]))
    means = [key for key in before.index if key[1] == ""]
    np.testing.assert_allclose(after[means], before[means], rtol=0, atol=1e-12)
    for metric in ("iou", "boundary_f", "boundary_iou"):
        permuted = [NAMES[order[label]] for label in range(CLASSES)]
        np.testing.assert_allclose(after[metric][permuted], before[metric][NAMES], rtol=0, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_void_far_away_changes_nothing(seed):
    """A strip of void beyond the reach of every band and outline leaves all sums but those at the edge."""
    prediction, truth = patches(seed)
    framed = [
        np.pad(maps, ((0, 0), (0, 10)), constant_values=fill)
        for maps, fill in ((prediction, 0), (truth, 255))
    ]
    alone, beside = statistics_of((prediction, truth)), statistics_of(framed)
    for name, part in alone.parts.items():
        if not name.startswith("boundary_iou"):
            assert np.array_equal(part, beside.parts[name]), name
    assert alone.labels != beside.labels


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(1, 3))
def test_merging_split_data_sets_equals_the_whole(seed, cut):
    pairs = [patches(seed + index) for index in range(4)]
    predictions, truths = (np.stack(maps) for maps in zip(*pairs, strict=True))
    whole = confusion_matrix(predictions, truths, CLASSES)
    parts = [
        confusion_matrix(predictions[part], truths[part], CLASSES) for part in (slice(cut), slice(cut, None))
    ]
    assert np.array_equal(whole, sum(parts))
    scores = scores_of(*pairs)
    assert scores["miou", ""] == miou(whole)
    assert np.nanmean(scores["iou"][NAMES]) == pytest.approx(miou(whole), abs=1e-15)
    for metric in WHOLE_MAP_SCORES:
        name = metric.__name__.replace("f_score", "f")
        assert scores[name, ""] == pytest.approx(metric(predictions, truths, CLASSES), abs=1e-12)
    assert scores["trimap_miou@4", ""] == trimap_miou(predictions, truths, CLASSES, 4)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "int64", "uint64"])
def test_every_integer_dtype_and_library(dtype):
    prediction, truth = patches(3)
    expected = [metric(prediction, truth, CLASSES) for metric in WHOLE_MAP_SCORES]
    one, other = prediction.astype(dtype), truth.astype(dtype)
    assert [metric(one, other, CLASSES) for metric in WHOLE_MAP_SCORES] == expected
    one, other = torch.from_numpy(one), torch.from_numpy(other)
    assert [metric(one, other, CLASSES) for metric in WHOLE_MAP_SCORES] == expected
    assert [metric(one[None], other[None], CLASSES) for metric in WHOLE_MAP_SCORES] == expected


def test_256_classes():
    """Label 255 is a class in the prediction and void in the truth."""
    truth = np.arange(256, dtype=np.int64).reshape(16, 16)
    prediction = truth.copy()
    prediction[0, 0] = 255
    matrix = confusion_matrix(prediction, truth, 256)
    assert matrix.sum() == 255 and matrix[0, 255] == 1 and np.trace(matrix) == 254
    assert miou(matrix) == pytest.approx(254 / 256)
    assert 0 < boundary_f_score(prediction, truth, 256) < 1
    assert trimap_miou(prediction, truth, 256, 1) == pytest.approx(254 / 256)


UNIT_CASES = [(30, 30, 5, 1.0), (30, 33, 5, 1.0), (30, 35, 5, 1.0), (30, 36, 5, 0.0)]


@pytest.mark.parametrize(("true_edge", "predicted_edge", "radius", "expected"), UNIT_CASES)
def test_golden_edges(true_edge, predicted_edge, radius, expected):
    """Two halves whose edges are 0, 3, 5 and 6 pixels apart, in a frame whose tolerance is 5 pixels."""
    truth, prediction = np.zeros((2, 360, 480), dtype=np.uint8)
    truth[:, true_edge:], prediction[:, predicted_edge:] = 1, 1
    assert boundary_f_score(prediction, truth, 2) == expected


def test_golden_empty_sides():
    """One side without outline scores 0, both sides without are not counted, an edge under void is none."""
    truth, constant = np.zeros((2, 40, 60), dtype=np.uint8)
    truth[:, 30:] = 1
    assert boundary_f_score(constant, truth, 2) == 0.0
    assert np.isnan(boundary_f_score(constant, constant, 2))
    hidden = truth.copy()
    hidden[:, 28:32] = 255
    assert np.isnan(boundary_f_score(truth, hidden, 2))
