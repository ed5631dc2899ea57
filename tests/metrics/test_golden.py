"""Exact values on 20 real CamVid label maps."""

from __future__ import annotations

import numpy as np
import pytest

from difnet.metrics import (
    METRICS,
    RADII,
    boundary_f_one_to_one,
    boundary_f_score,
    boundary_iou,
    confusion_matrix,
    image_statistics,
    miou,
    scores_from_statistics,
    trimap_miou,
)
from difnet.metrics.label_maps import label_maps
from difnet.metrics.trimap import band_confusions

CASES = ("a_shift", "b_block8", "d_self")
EXACT = 1e-12


@pytest.fixture(scope="module", params=CASES)
def case(request, golden, camvid):
    truth, predictions = camvid
    return predictions[request.param], truth, golden["values"][request.param]


@pytest.fixture(scope="module")
def statistics(case, golden):
    prediction, truth, _ = case
    return image_statistics(golden["image_names"], zip(prediction, truth, strict=True), 11)


def test_confusion(case):
    prediction, truth, expected = case
    matrix = confusion_matrix(prediction, truth, 11)
    assert matrix.tolist() == expected["confusion_rows_gt_cols_pred"]
    assert miou(matrix) == pytest.approx(expected["miou"], abs=EXACT)
    share = METRICS["pixel_accuracy"].of(prediction, truth, 11)
    assert share == pytest.approx(expected["pixel_accuracy"], abs=EXACT)


def test_boundary_f(case):
    prediction, truth, expected = case
    assert boundary_f_score(prediction, truth, 11) == pytest.approx(expected["boundary_f"]["mean"], abs=EXACT)
    per_image = [boundary_f_score(one, other, 11) for one, other in zip(prediction, truth, strict=True)]
    np.testing.assert_allclose(per_image, expected["boundary_f"]["per_image"], rtol=0, atol=EXACT)


def test_boundary_f_one_to_one(case):
    prediction, truth, expected = case
    per_image = [boundary_f_one_to_one(one, other, 11) for one, other in zip(prediction, truth, strict=True)]
    np.testing.assert_allclose(per_image, expected["boundary_f_one_to_one"]["per_image"], rtol=0, atol=EXACT)
    assert np.mean(per_image) == pytest.approx(expected["boundary_f_one_to_one"]["mean"], abs=EXACT)


def test_boundary_iou(case):
    prediction, truth, expected = case
    assert boundary_iou(prediction, truth, 11) == pytest.approx(expected["boundary_iou"]["mean"], abs=EXACT)


@pytest.mark.parametrize("radius", [1, 2, 4, 8, 16])
def test_trimap(case, radius):
    prediction, truth, expected = case
    value = trimap_miou(prediction, truth, 11, radius)
    assert value == pytest.approx(expected["trimap_miou"][str(radius)]["miou"], abs=EXACT)


def test_bands(case):
    prediction, truth, expected = case
    bands = band_confusions(label_maps(prediction, truth, 11), RADII).sum(axis=(0, 2, 3))
    pixels = [expected["trimap_miou"][str(radius)]["pixels"] for radius in RADII]
    assert bands.tolist() == pixels


def test_scores_from_per_image_statistics(case, statistics, golden):
    """The stored parts give the same values, mean and per class."""
    expected = case[2]
    scores = scores_from_statistics(statistics, golden["classes"]).set_index(["metric", "class"])["value"]
    for metric in ("miou", "pixel_accuracy"):
        assert scores[metric, ""] == pytest.approx(expected[metric], abs=EXACT)
    for metric in ("boundary_f", "boundary_f_one_to_one", "boundary_iou"):
        assert scores[metric, ""] == pytest.approx(expected[metric]["mean"], abs=EXACT)
    for radius, band in expected["trimap_miou"].items():
        assert scores[f"trimap_miou@{radius}", ""] == pytest.approx(band["miou"], abs=EXACT)
    per_class = {
        "iou": expected["per_class_iou"],
        "boundary_f": expected["boundary_f"]["per_class_mean_over_images"],
        "boundary_iou": expected["boundary_iou"]["per_class"],
    }
    for metric, values in per_class.items():
        np.testing.assert_allclose(scores[metric][golden["classes"]], values, rtol=0, atol=EXACT)


def test_intersections_and_unions(case, statistics):
    for name in ("intersection", "union"):
        total = statistics.parts[f"boundary_iou_{name}"].sum(axis=0)
        assert total.tolist() == case[2]["boundary_iou"][name]
