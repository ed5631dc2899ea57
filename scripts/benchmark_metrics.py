"""Time every metric on real label maps, on one thread, and write the table of docs/performance.md.

The prediction is the truth at an eighth of its size, as a coarse network would give it. The reference for the
boundary F-score is the DAVIS recipe: one class at a time, outlines dilated by a disc with scikit-image.

Example: DIFNET_DATA=~/data python scripts/benchmark_metrics.py
"""

from __future__ import annotations

import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.morphology import dilation, disk

from difnet.config.files import write_text
from difnet.metrics import (
    RADII,
    boundary_f_one_to_one,
    boundary_f_score,
    boundary_iou,
    confusion_matrix,
    image_statistics,
    trimap_miou,
)

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
START, END = "<!-- metrics: start -->", "<!-- metrics: end -->"
CLASSES, VOID, IMAGES, REPEATS = 11, 11, 10, 15
Labels = NDArray[np.uint8]


def main() -> None:
    """Measure and replace what is between the markers."""
    torch.set_num_threads(1)
    pairs = label_pairs()
    subjects: list[tuple[str, Callable[[Labels, Labels], object], str]] = [
        ("boundary F-score", lambda p, t: boundary_f_score(p, t, CLASSES), "3"),
        ("boundary F-score, dilation class by class", reference_boundary_f, ""),
        ("trimap, 5 radii", lambda p, t: [trimap_miou(p, t, CLASSES, radius) for radius in RADII], "5"),
        ("Boundary IoU", lambda p, t: boundary_iou(p, t, CLASSES), "2.5"),
        ("confusion matrix", lambda p, t: confusion_matrix(p, t, CLASSES), ""),
        ("one-to-one boundary F-score", lambda p, t: boundary_f_one_to_one(p, t, CLASSES), ""),
        ("all per-image statistics", lambda p, t: image_statistics(["image"], [(p, t)], CLASSES), ""),
    ]
    for prediction, truth in pairs:
        ours, theirs = boundary_f_score(prediction, truth, CLASSES), reference_boundary_f(prediction, truth)
        assert abs(ours - theirs) < 1e-12, (ours, theirs)
    lines = ["| metric | median ms | fastest ms | at most |", "|---|---|---|---|"]
    medians = {}
    for name, function, bound in subjects:
        times = [milliseconds(function, *pair) for _ in range(REPEATS) for pair in pairs]
        medians[name] = statistics.median(times)
        lines.append(f"| {name} | {medians[name]:.2f} | {min(times):.2f} | {bound} |")
    ratio = medians["boundary F-score, dilation class by class"] / medians["boundary F-score"]
    lines += [
        "",
        f"The boundary F-score is {ratio:.0f} times faster than the reference, with equal values.",
    ]
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    write_text(DOCUMENT, "\n".join([f"{before}{START}", *conditions(), *lines, f"{END}{after}"]))
    print("\n".join(lines))


def conditions() -> list[str]:
    """What was measured, and on what."""
    return [
        f"{IMAGES} CamVid validation images of 480 x 360, {CLASSES} classes, prediction of 1/8 resolution,",
        f"{REPEATS} repeats, CPU time of one thread ({platform.machine()}); NumPy {np.__version__},",
        f"torch {torch.__version__}, Python {platform.python_version()}.",
        "Regenerate with `python scripts/benchmark_metrics.py`.",
        "",
    ]


def label_pairs() -> list[tuple[Labels, Labels]]:
    """Predictions and truths."""
    folder = Path(os.environ.get("DIFNET_DATA", "data")) / "CamVid" / "valannot"
    names = sorted(folder.glob("*.png"))[:: 101 // IMAGES][:IMAGES]
    if len(names) < IMAGES:
        raise SystemExit(
            f"{folder} does not hold the CamVid labels; set DIFNET_DATA to the folder above CamVid"
        )
    pairs = []
    for name in names:
        truth = np.array(Image.open(name))
        coarse = truth[4::8, 4::8].repeat(8, axis=0).repeat(8, axis=1)
        pairs.append((np.where(coarse == VOID, 0, coarse), np.where(truth == VOID, np.uint8(255), truth)))
    return pairs


def milliseconds(function: Callable[[Labels, Labels], object], prediction: Labels, truth: Labels) -> float:
    """CPU time of one call, which other processes on the machine do not lengthen."""
    start = time.thread_time()
    function(prediction, truth)
    return 1e3 * (time.thread_time() - start)


def reference_boundary_f(prediction: Labels, truth: Labels) -> float:
    """Boundary F-score of one image, class by class, by dilation with a disc."""
    valid = truth != 255
    footprint = disk(math.ceil(0.0075 * math.hypot(*truth.shape)))
    scores = []
    for label in range(CLASSES):
        predicted, true = outline(prediction == label, valid), outline(truth == label, valid)
        if not predicted.any() and not true.any():
            continue
        precision = (predicted & dilation(true, footprint)).sum() / max(1, predicted.sum())
        recall = (true & dilation(predicted, footprint)).sum() / max(1, true.sum())
        scores.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return float(np.mean(scores)) if scores else math.nan


def outline(mask: NDArray[np.bool_], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that differ from their east, south or south-east neighbour, both valid."""
    found = np.zeros_like(mask)
    found[:, :-1] |= (mask[:, :-1] != mask[:, 1:]) & valid[:, :-1] & valid[:, 1:]
    found[:-1] |= (mask[:-1] != mask[1:]) & valid[:-1] & valid[1:]
    found[:-1, :-1] |= (mask[:-1, :-1] != mask[1:, 1:]) & valid[:-1, :-1] & valid[1:, 1:]
    return found


if __name__ == "__main__":
    main()
