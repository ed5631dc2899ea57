"""All metrics on the images of a data set: found by themselves, refused where they do not fit."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import difnet.metrics.dice
from difnet.config.errors import InputError
from difnet.metrics import METRICS, image_statistics, scores_from_statistics
from difnet.metrics.scores import found_metrics


def maps(images=4, classes=3):
    return np.random.default_rng(0).integers(0, classes, (2, images, 12, 14))


@pytest.fixture
def statistics():
    return image_statistics(["a", "b", "c", "d"], [maps()], 3)


def test_order_of_the_rows(statistics):
    """Those that were there before, and the order of a metric that states none: by file name, at the end."""
    scores = scores_from_statistics(statistics, ["x", "y", "z"])
    trimaps = [f"trimap_miou@{radius}" for radius in (1, 2, 4, 8, 16)]
    means = ["miou", "pixel_accuracy", "mean_class_accuracy", "boundary_f", "boundary_f_one_to_one"]
    means += ["boundary_iou", *trimaps, "dice", "frequency_weighted_iou"]
    assert scores["metric"][scores["class"] == ""].tolist() == means
    classes = scores[scores["class"] != ""]
    assert classes["metric"].tolist() == [
        name for name in ("iou", "boundary_f", "boundary_iou") for _ in "xyz"
    ]
    assert classes["class"].tolist() == ["x", "y", "z"] * 3


def test_a_metric_is_found_by_itself(monkeypatch):
    toy = replace(METRICS["dice"], name="toy", order=0)
    monkeypatch.setattr(difnet.metrics.dice, "MORE", (toy,), raising=False)
    assert list(found_metrics()) == ["toy", *METRICS]
    monkeypatch.setattr(difnet.metrics.dice, "MORE", (replace(toy, name="miou"),))
    with pytest.raises(InputError, match="another metric is called 'miou'; rename one"):
        found_metrics()


def test_images_one_by_one_or_in_batches(statistics):
    prediction, truth = maps()
    alone = image_statistics(["a", "b", "c", "d"], zip(prediction, truth, strict=True), 3)
    assert alone.labels == statistics.labels and len(set(alone.labels)) == 4
    for name, part in statistics.parts.items():
        assert np.array_equal(part, alone.parts[name]), name


def test_labels_tell_truths_apart_that_have_equal_counts():
    """A mirrored truth has as many pixels and boundary pixels of each class; void is no class."""
    truth = np.array([[0, 0, 1, 255], [0, 2, 2, 2]])
    others = [truth, truth[:, ::-1], np.where(truth == 255, 0, truth), truth.reshape(4, 2)]
    digests = image_statistics(list("abcd"), [(np.zeros_like(one), one) for one in others], 3).labels
    assert len(set(digests)) == 4
    assert image_statistics(["a"], [(np.ones_like(truth), truth.astype(np.uint8))], 3).labels == digests[:1]


def test_statistics_that_do_not_fit(statistics):
    with pytest.raises(InputError, match="no image was scored"):
        image_statistics([], [], 3)
    with pytest.raises(InputError, match="2 image names but 4 images"):
        image_statistics(["a", "b"], [maps()], 3)
    with pytest.raises(InputError, match="3 classes but 2 names"):
        scores_from_statistics(statistics, ["x", "y"])
    parts = {name: part for name, part in statistics.parts.items() if name != "trimap_4_union"}
    with pytest.raises(InputError, match="no part 'trimap_4_union'; evaluate the run again"):
        scores_from_statistics(replace(statistics, parts=parts), ["x", "y", "z"])


def test_torch_is_not_needed_to_know_the_metrics():
    """The analysis and the report read sums and definitions; PyTorch would take longer than they do."""
    code = "import sys, difnet.analysis, difnet.report; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
