"""Bad input: one line that says what is wrong, or a documented value."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from difnet.config.errors import InputError
from difnet.metrics import (
    METRICS,
    boundary_f_one_to_one,
    boundary_f_score,
    boundary_iou,
    confusion_matrix,
    image_statistics,
    miou,
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
FUNCTIONS = [
    confusion_matrix,
    boundary_f_score,
    boundary_f_one_to_one,
    boundary_iou,
    lambda prediction, truth, classes: image_statistics(["a"], [(prediction, truth)], classes),
]


@pytest.mark.parametrize(("prediction", "truth", "classes", "message"), BAD_MAPS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_bad_maps(function, prediction, truth, classes, message):
    with pytest.raises(InputError, match=message) as error:
        function(prediction, truth, classes)
    assert "\n" not in str(error.value)


def test_out_of_range_at_void_is_no_error():
    truth = np.array([[0, 255], [1, 1]])
    assert METRICS["pixel_accuracy"].of(np.array([[0, 999], [1, 1]]), truth, 2) == 1.0


@pytest.mark.parametrize("radius", [0, -1, 0.5, float("nan"), float("inf")])
def test_bad_radius(radius):
    with pytest.raises(InputError, match="radius must be at least 1"):
        trimap_miou(ZEROS, ZEROS, 2, radius)


@pytest.mark.parametrize(
    "matrix", [np.zeros((2, 3)), np.zeros(3), [[1, -1], [0, 1]], [[1.0, np.nan], [0, 1]], np.zeros((0, 0))]
)
def test_bad_confusion(matrix):
    with pytest.raises(InputError, match="confusion matrix"):
        miou(np.array(matrix))


def test_all_void_scores_nan():
    void = np.full((8, 9), 255)
    matrix = confusion_matrix(np.zeros_like(void), void, 3)
    assert matrix.sum() == 0
    values = [function(np.zeros_like(void), void, 3) for function in FUNCTIONS[1:4]]
    assert np.isnan([*values, miou(matrix), trimap_miou(np.zeros_like(void), void, 3, 2)]).all()


def test_one_pixel():
    """No outline, so no boundary F; its band is the pixel itself, since outside the image is background."""
    right, wrong = np.array([[1]]), np.array([[0]])
    for prediction, expected in ((right, 1.0), (wrong, 0.0)):
        assert miou(confusion_matrix(prediction, right, 3)) == expected
        assert boundary_iou(prediction, right, 3) == expected
        assert np.isnan(boundary_f_score(prediction, right, 3))
        assert np.isnan(boundary_f_one_to_one(prediction, right, 3))
        assert np.isnan(trimap_miou(prediction, right, 3, 16))
