"""Real CamVid label maps with constructed predictions, as the golden file defines them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def golden():
    """The golden file."""
    return json.loads((HERE / "golden.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def camvid(golden):
    """Truth (20,360,480) with void 255 and the predictions of each golden case."""
    roots = [Path(os.environ["DIFNET_DATA"])] if "DIFNET_DATA" in os.environ else []
    folders = [root / "CamVid" / "valannot" for root in (*roots, Path("data"))]
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        pytest.skip("CamVid is neither at $DIFNET_DATA/CamVid nor at data/CamVid")
    void = golden["constants"]["void"]
    truth = np.stack([np.array(Image.open(folder / name)) for name in golden["image_names"]])
    assert [hashlib.sha256(one.tobytes()).hexdigest() for one in truth] == golden["sha256"]["gt"]
    filled = np.stack([_fill(one, void) for one in truth])
    height, width = truth.shape[1:]
    down = np.clip(np.arange(height) + 2, 0, height - 1)
    right = np.clip(np.arange(width) - 3, 0, width - 1)
    predictions = {
        "a_shift": filled[:, down][:, :, right],
        "b_block8": filled[:, 4::8, 4::8].repeat(8, axis=1).repeat(8, axis=2),
        "d_self": filled,
    }
    for name, maps in predictions.items():
        assert [hashlib.sha256(one.tobytes()).hexdigest() for one in maps] == golden["sha256"][name]
    return np.where(truth == void, 255, truth).astype(np.uint8), predictions


def _fill(truth, void):
    """Void pixels take the nearest other label to their left in the row, else the first of the row."""
    filled = truth.copy()
    for row in filled:
        known = np.flatnonzero(row != void)
        if known.size == 0:
            row[:] = 0
            continue
        place = np.searchsorted(known, np.arange(len(row)), side="right") - 1
        row[:] = row[known[np.maximum(place, 0)]]
    return filled
