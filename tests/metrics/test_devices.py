"""The torch path gives the integers of the NumPy path (on a GPU: tests/gpu/test_metrics_on_gpu.py)."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
import torch

from difnet.metrics.boundary_f import boundary_counts
from difnet.metrics.boundary_f_one_to_one import one_to_one_counts
from difnet.metrics.boundary_iou import band_overlap
from difnet.metrics.confusion import confusions
from difnet.metrics.label_maps import LabelMaps, label_maps
from difnet.metrics.trimap import RADII, band_confusions


def batch(classes):
    """Three images of patches; the second is all void."""
    rng = np.random.default_rng(classes)
    truth = rng.integers(0, min(classes, 255), (3, 12, 10)).repeat(6, 1).repeat(8, 2)
    prediction = np.where(rng.random(truth.shape) < 0.2, np.roll(truth, 3, axis=2), truth)
    truth = np.where(rng.random(truth.shape) < 0.1, 255, truth)
    truth[1] = 255
    return prediction, truth


@pytest.mark.parametrize("classes", [2, 15, 16, 31, 32, 63, 64, 256])
def test_same_integers(classes):
    assert_same_integers("cpu", classes)


def assert_same_integers(device, classes):
    """Of tensors on a device and of arrays."""
    host = label_maps(*batch(classes), classes)
    fields = (host.prediction, host.truth, host.valid)
    moved = LabelMaps(*(torch.from_numpy(field).to(device) for field in fields), classes)
    counts = boundary_counts(host)
    assert counts.total_truth.sum() > 0 and counts.total_truth[1].sum() == 0
    for function in (
        band_overlap,
        lambda maps: astuple(boundary_counts(maps)),
        lambda maps: astuple(one_to_one_counts(maps)),
        lambda maps: (confusions(maps), band_confusions(maps, RADII)),
    ):
        for one, other in zip(function(moved), function(host), strict=True):
            assert np.array_equal(one, other)


@pytest.mark.parametrize("classes", [2, 64, 256])
def test_a_batch_is_its_images(classes):
    """Counts of a batch are those of its images one by one."""
    whole = label_maps(*batch(classes), classes)
    together = boundary_counts(whole)
    for index, alone in enumerate(whole.blocks()):
        assert np.array_equal(boundary_counts(alone).matched_truth[0], together.matched_truth[index])
        assert np.array_equal(band_confusions(alone, RADII)[0], band_confusions(whole, RADII)[index])
