"""Adding a data set is adding one file: the example of docs/data.md works as it stands there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from PIL import Image

from difnet.config import DataConfig
from difnet.data import datasets, load_prepared, prepare

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
IMPORTS = """
from typing import ClassVar
from difnet.data.dataset import Colour, Dataset, Sample
from difnet.data.files.samples import pair_files
from difnet.data.files.tree import list_folder, locate, read_lines
"""


def test_the_example_of_the_page_is_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(
        r"(    class Leaves\(Dataset\):\n(?:    .*\n|\n)*)", PAGE.read_text(encoding="utf-8")
    )
    (tmp_path / "leaves.py").write_text(IMPORTS + dedent(example), encoding="utf-8")
    monkeypatch.setattr(datasets, "__path__", [*datasets.__path__, str(tmp_path)])
    # A file outside the library is no part of its code.
    monkeypatch.setattr(sys.modules["difnet.data.prepare.sources"], "code_sha256", lambda *_, **__: "")
    root = tmp_path / "Leaves"
    for folder, mode, suffix in (("rgb", "RGB", "jpg"), ("index", "L", "png")):
        (root / folder).mkdir(parents=True)
        for name in ("oak", "elm"):
            Image.new(mode, (8, 6)).save(root / folder / f"{name}.{suffix}")
    Image.fromarray(np.eye(6, 8, dtype=np.uint8)).save(root / "index" / "oak.png")
    (root / "train.txt").write_text("oak\n", encoding="utf-8")
    (root / "val.txt").write_text("elm\n", encoding="utf-8")
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path))

    index = prepare(DataConfig(name="leaves"), tmp_path / "store")
    assert index.classes == ("paper", "leaf")
    assert np.array_equal(load_prepared(tmp_path / "store").split("val").label(0), np.zeros((6, 8)))
