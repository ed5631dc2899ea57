"""`difnet train` as a user calls it, before it trains."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from tests.cli.test_list import difnet
from tests.conftest import PROJECT

BENCHMARK = "title: T\ndata: {name: folder, options: {root: mine}}\ntrain: {steps: 1}\n"


def test_a_split_to_be_scored_is_asked_for_before_anything_is_made(tmp_path: Path) -> None:
    for folder in ("ablations", "workflow"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    for folder, pixels in (
        ("images", np.zeros((32, 32, 3), np.uint8)),
        ("labels", np.zeros((32, 32), np.uint8)),
    ):
        (tmp_path / "mine" / folder).mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "mine" / folder / "one.png")
    (tmp_path / "mine" / "classes.txt").write_text("background\nleaf\n")
    (tmp_path / "workflow" / "benchmarks" / "own.yaml").write_text(BENCHMARK)
    options = ("--benchmark", "own", "--ablation", "cascade", "--seed", "0", "--out", "run")
    message = difnet("train", *options, cwd=tmp_path, code=2)
    assert "data set 'folder' has no split 'val'; known are train; set it to one that is there, or" in message
    assert "name its images in val.txt" in message
    assert not (tmp_path / "results").exists() and not (tmp_path / "run").exists()
