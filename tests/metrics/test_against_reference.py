"""Equality with slow references on small random maps, with void, absent classes and odd shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassConfusionMatrix,
    MulticlassF1Score,
    MulticlassJaccardIndex,
)

from difnet.metrics import (
    METRICS,
    boundary_f_one_to_one,
    boundary_f_score,
    boundary_iou,
    confusion_matrix,
    trimap_miou,
)
from tests.metrics import reference

EXACT = 1e-12


@st.composite
def maps(draw):
    """Prediction, truth and class count: patches, so that outlines are neither everywhere nor nowhere."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    classes, patch = draw(st.sampled_from([1, 2, 3, 17, 70, 256])), draw(st.integers(1, 5))
    used = rng.choice(min(classes, 255), size=min(classes, 4, 255))
    truth = rng.choice(used, size=(height, width)).repeat(patch, 0).repeat(patch, 1)[:height, :width]
    prediction = np.where(rng.random(truth.shape) < 0.3, rng.choice(used, size=truth.shape), truth)
    truth = np.where(rng.random(truth.shape) < draw(st.sampled_from([0.0, 0.2, 1.0])), 255, truth)
    return prediction, truth, classes


@settings(max_examples=60, deadline=None)
@given(maps())
def test_every_metric(sample):
    prediction, truth, classes = sample
    matrix = confusion_matrix(prediction, truth, classes)
    np.testing.assert_array_equal(matrix, reference.confusion(prediction, truth, classes))
    pairs = [
        *(
            (METRICS[name].of(*sample), getattr(reference, name)(matrix))
            for name in ("miou", "mean_class_accuracy", "dice", "frequency_weighted_iou")
        ),
        (boundary_f_score(prediction, truth, classes), reference.boundary_f(*sample)),
        (boundary_f_one_to_one(prediction, truth, classes), reference.boundary_f(*sample, one_to_one=True)),
        (boundary_iou(prediction, truth, classes), reference.boundary_iou(*sample)),
        *(
            (trimap_miou(*sample, radius), reference.trimap_miou(*sample, radius))
            for radius in (1, 2, 2.5, 4)
        ),
    ]
    for ours, slow in pairs:
        assert ours == pytest.approx(slow, abs=EXACT, nan_ok=True)


@pytest.mark.parametrize(("size", "reach"), [((240, 320), 3), ((300, 438), 3), ((360, 480), 4)])
def test_one_to_one_where_the_radius_matters(size, reach):
    """The radius is 3.00, 3.98 and 4.50: an edge pairs when moved that far, rounded down, and no farther."""
    truth = np.zeros(size, dtype=np.uint8)
    truth[:, 160:] = 1
    for shift, expected in ((reach, 1.0), (reach + 1, 0.0)):
        moved = np.zeros_like(truth)
        moved[:, 160 + shift :] = 1
        assert boundary_f_one_to_one(moved, truth, 2) == expected


def test_one_to_one_is_not_fooled_by_thick_outlines():
    """Many predicted pixels near few true ones all count by distance, but pair only once."""
    truth = np.zeros((120, 160), dtype=np.uint8)
    truth[:, 80:] = 1
    striped = truth.copy()
    striped[:, 78] = 1
    assert boundary_f_score(striped, truth, 2) == 1.0
    assert boundary_f_one_to_one(striped, truth, 2) == pytest.approx(2 * 120 / (3 * 120 + 120))


@pytest.mark.parametrize("classes", [2, 11, 150])
def test_torchmetrics(classes):
    rng = np.random.default_rng(classes)
    truth = torch.from_numpy(rng.integers(0, classes, (3, 40, 50)))
    prediction = torch.where(torch.from_numpy(rng.random((3, 40, 50))) < 0.6, truth, (truth + 1) % classes)
    truth[torch.from_numpy(rng.random((3, 40, 50))) < 0.1] = 255
    options = {"num_classes": classes, "ignore_index": 255}
    matrix = MulticlassConfusionMatrix(**options)(prediction, truth)
    assert np.array_equal(confusion_matrix(prediction, truth, classes), matrix)
    theirs = {
        "miou": MulticlassJaccardIndex(**options, average="macro"),
        "pixel_accuracy": MulticlassAccuracy(**options, average="micro"),
        "mean_class_accuracy": MulticlassAccuracy(**options, average="macro"),
        "dice": MulticlassF1Score(**options, average="macro"),
        "frequency_weighted_iou": MulticlassJaccardIndex(**options, average="weighted"),
    }
    for name, metric in theirs.items():
        value = float(metric(prediction, truth))
        assert METRICS[name].of(prediction, truth, classes) == pytest.approx(value, abs=1e-6), name
