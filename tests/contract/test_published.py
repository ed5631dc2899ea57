"""The published runs of CamVid: statistics follow from the tables of images beside them, weights load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

import difnet
from difnet.analysis import analyse_runs
from difnet.config import read_plan
from difnet.tables import COMPARISONS, SUMMARY
from tests.conftest import PROJECT

REFERENCE = PROJECT / "results" / "reference"
WITH_IMAGES = sorted({path.parents[3] for path in REFERENCE.glob("*/*/runs/*/*/per_image.parquet")})


@pytest.mark.parametrize("folder", WITH_IMAGES, ids=lambda path: path.name)
def test_means_and_differences_are_computed_again(folder: Path, tmp_path: Path) -> None:
    runs = sorted(path.parent for path in folder.glob("runs/*/*/per_image.parquet"))
    plan = read_plan(folder)
    assert len(runs) >= len(plan.seeds) * 2
    claims = PROJECT / "workflow" / "claims.yaml"
    analyse_runs(runs, reference=plan.reference, claims=claims, timing=None, growth=None, out=tmp_path)
    for table in (SUMMARY, COMPARISONS):
        again, published = (table.read(place / table.name) for place in (tmp_path, folder))
        assert_frame_equal(again, published, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "weights",
    sorted(REFERENCE.glob("*-camvid/*/runs/*/*/weights.safetensors")),
    ids=lambda path: path.parts[-3],
)
def test_networks_name_the_classes_of_camvid(weights: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    found = difnet.load(weights.parent).predict(image)
    assert found.labels.shape == (48, 64) and list(found.classes)[:3] == ["sky", "building", "pole"]
