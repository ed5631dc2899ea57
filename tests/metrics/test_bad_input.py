"""Bad input: one line that says what is wrong, or a documented value."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from difnet.config.errors import InputError
from difnet.metrics import (
    boundary_f_one_to_one,
    boundary_f_score,
    boundary_iou,
    confusion_matrix,
    image_statistics,
    iou,
    mean_class_accuracy,
    miou,
    pixel_accuracy,
    trimap_miou,
)

ZEROS = np.zeros((4, 5), dtype=np.uint8)
BAD_MAPS = [
    (ZEROS, ZEROS[:3], 2, r"prediction \(4, 5\) and truth \(3, 5\) differ in shape"),
    (ZEROS, ZEROS + 2, 2, r"truth holds the label 2; allowed are 0..1 or void = 255"),
    (ZEROS + 9, ZEROS, 2, r"prediction holds the label 9; allowed are 0..1"),
    (ZEROS.astype(int) - 1, ZEROS, 2, r"prediction holds the label -1"),
    (ZEROS, ZEROS.astype(int) - 1, 2, r"truth holds the label -1"),
    (ZEROS.astype(float), ZEROS, 2, r"prediction has dtype float64; label maps must be integers"),
    (torch.zeros(4, 5), ZEROS, 2, r"prediction has dtype torch.float32|float32"),
    (ZEROS > 0, ZEROS, 2, r"prediction has dtype bool"),
    (ZEROS[0], ZEROS[0], 2, r"label maps must be \(H,W\) or \(B,H,W\), not \(5,\)"),
    (ZEROS[None, None], ZEROS[None, None], 2, r"not \(1, 1, 4, 5\)"),
    (ZEROS[:0], ZEROS[:0], 2, r"hold no pixel"),
    (np.zeros((0, 4, 5), int), np.zeros((0, 4, 5), int), 2, r"hold no pixel"),
    (ZEROS, ZEROS, 0, r"num_classes must be between 1 and 256, not 0"),
    (ZEROS, ZEROS, 257, r"num_classes must be between 1 and 256, not 257"),
    (ZEROS, ZEROS, 2.0, r"num_classes must be an integer, not 2.0"),
]
METRICS = [confusion_matrix, boundary_f_score, boundary_f_one_to_one, boundary_iou, image_statistics]


@pytest.mark.parametrize(("prediction", "truth", "classes", "message"), BAD_MAPS)
@pytest.mark.parametrize("metric", METRICS)
def test_bad_maps(metric, prediction, truth, classes, message):
    with pytest.raises(InputError, match=message) as error:
        metric(prediction, truth, classes)
    assert "\n" not in str(error.value)


def test_out_of_range_at_void_is_no_error():
    truth = np.array([[0, 255], [1, 1]])
    assert pixel_accuracy(confusion_matrix(np.array([[0, 999], [1, 1]]), truth, 2)) == 1.0


@pytest.mark.parametrize("radius", [0, -1, 0.5, float("nan"), float("inf")])
def test_bad_radius(radius):
    with pytest.raises(InputError, match="radius must be at least 1"):
        trimap_miou(ZEROS, ZEROS, 2, radius)


@pytest.mark.parametrize(
    "matrix", [np.zeros((2, 3)), np.zeros(3), [[1, -1], [0, 1]], [[1.0, np.nan], [0, 1]], np.zeros((0, 0))]
)
def test_bad_confusion(matrix):
    for score in (miou, iou, pixel_accuracy, mean_class_accuracy):
        with pytest.raises(InputError, match="confusion matrix"):
            score(np.array(matrix))


def test_all_void_scores_nan():
    void = np.full((8, 9), 255)
    matrix = confusion_matrix(np.zeros_like(void), void, 3)
    assert matrix.sum() == 0
    values = [score(matrix) for score in (miou, pixel_accuracy, mean_class_accuracy)]
    values += [metric(np.zeros_like(void), void, 3) for metric in METRICS[1:4]]
    values.append(trimap_miou(np.zeros_like(void), void, 3, 2))
    assert np.isnan(values).all() and np.isnan(iou(matrix)).all()


def test_one_pixel():
    """No outline, so no boundary F; its band is the pixel itself, since outside the image is background."""
    right, wrong = np.array([[1]]), np.array([[0]])
    for prediction, expected in ((right, 1.0), (wrong, 0.0)):
        assert miou(confusion_matrix(prediction, right, 3)) == expected
        assert boundary_iou(prediction, right, 3) == expected
        assert np.isnan(boundary_f_score(prediction, right, 3))
        assert np.isnan(boundary_f_one_to_one(prediction, right, 3))
        assert np.isnan(trimap_miou(prediction, right, 3, 16))


def test_image_statistics_takes_one_image():
    with pytest.raises(InputError, match="one image at a time, not 2"):
        image_statistics(np.stack([ZEROS, ZEROS]), np.stack([ZEROS, ZEROS]), 2)
