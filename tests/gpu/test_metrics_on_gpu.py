"""Metrics of tensors on a GPU give the integers, and so the scores, of arrays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from difnet.metrics import boundary_f_score, boundary_iou, confusion_matrix, trimap_miou
from tests.metrics.test_devices import assert_same_integers, batch


@pytest.mark.parametrize("classes", [2, 16, 63, 64, 256])
def test_same_integers(classes):
    assert_same_integers("cuda", classes)


def test_public_functions_on_a_gpu():
    prediction, truth = batch(11)
    found, true = (torch.from_numpy(maps).cuda() for maps in (prediction, truth))
    assert np.array_equal(confusion_matrix(found, true, 11), confusion_matrix(prediction, truth, 11))
    for metric in (boundary_f_score, boundary_iou):
        assert metric(found, true, 11) == metric(prediction, truth, 11)
    assert trimap_miou(found, true, 11, 4) == trimap_miou(prediction, truth, 11, 4)
