"""The library as a script uses it, on the published run: its weights, tables and comparisons."""

from __future__ import annotations

import doctest
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import difnet
from difnet.api import loading, study_frames
from difnet.config import InputError
from tests.analysis.builders import run_folder
from tests.conftest import PROJECT

PUBLISHED = PROJECT / "results" / "reference" / "2026-11-27-amd-epyc-2-cores" / "shapes"


@pytest.mark.parametrize("module", [loading, study_frames])
def test_examples_of_docstrings(module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)  # type: ignore[arg-type]
    assert result.failed == 0 and result.attempted >= 2


def test_published_weights_of_every_variant() -> None:
    """They serve with the code as it is: later keys of a configuration do not make them another run's."""
    image = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    runs = sorted(
        path.parent.relative_to(PUBLISHED / "runs") for path in PUBLISHED.glob("runs/*/*/config.yaml")
    )
    assert len(runs) == 7
    for run in runs:
        found = difnet.load(PUBLISHED, run=str(run)).predict(image)
        assert found.labels.shape == (96, 96) and next(iter(found.classes)) == "background"
    by_default = difnet.load(PUBLISHED)
    assert by_default.source == str(PUBLISHED / "runs" / "cascade" / "seed0")


def test_runs_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"shapes: has no run 'cascade/seed9'; did you mean 'cascade/seed0'"):
        difnet.load(PUBLISHED, run="cascade/seed9")
    half = tmp_path / "half"
    shutil.copytree(PUBLISHED / "runs" / "cascade" / "seed0", half)
    (half / "environment.json").unlink()
    with pytest.raises(InputError, match="half: is not trained to its end"):
        difnet.load(half)
    (tmp_path / "other.zip").write_text("no archive")
    for read in (difnet.load, difnet.study):
        with pytest.raises(InputError, match=r"other\.zip: cannot be read as an archive"):
            read(tmp_path / "other.zip")


def test_one_bit_of_published_weights(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(PUBLISHED / "runs" / "deeplab" / "seed0", run)
    content = bytearray((run / "weights.safetensors").read_bytes())
    content[len(content) // 2] ^= 1
    (run / "weights.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.safetensors: is not what was trained"):
        difnet.load(run)


def test_tables_of_a_study() -> None:
    frames = difnet.study(PUBLISHED)
    assert set(frames.scores["variant"]) == set(frames.runs["variant"]) and len(frames.runs) == 40
    miou = frames.scores.query("variant == 'cascade' and metric == 'miou'")["value"]
    mean = frames.summary.query("variant == 'cascade' and metric == 'miou'")["mean"].item()
    assert miou.mean() == pytest.approx(mean, abs=1e-12)
    assert frames.timing["nodes"].dtype.kind == "i" and len(frames.growth) > 0
    assert re.fullmatch(r"StudyFrames\(.*shapes: 8 variants, 5 seeds; claims: .*reproduced\)", repr(frames))
    assert frames._repr_html_().count("<table") == 2


def test_a_folder_without_tables(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no summary\.csv; give a folder of results"):
        difnet.study(tmp_path)


def test_two_variants_are_compared_as_in_the_tables(tmp_path: Path) -> None:
    for seed in range(3):
        run_folder(tmp_path, "cascade", seed, 0.1)
        run_folder(tmp_path, "deeplab", seed, 0.2)
    cascade, deeplab = tmp_path / "runs" / "cascade", tmp_path / "runs" / "deeplab"
    table = difnet.compare(cascade, deeplab).set_index("metric")
    turned = difnet.compare([*deeplab.glob("seed*")], cascade).set_index("metric")
    assert table.loc["miou", "difference"] > 0.05 and table.loc["miou", "n"] == 3
    np.testing.assert_allclose(table["difference"], -turned["difference"], atol=1e-12)
    np.testing.assert_allclose(table["ci_low"], -turned["ci_high"], atol=1e-12)
    assert (table["variant"] == "cascade").all() and (table["reference"] == "deeplab").all()


def test_comparisons_that_cannot_be(tmp_path: Path) -> None:
    run_folder(tmp_path, "cascade", 0, 0.1)
    cascade = tmp_path / "runs" / "cascade"
    with pytest.raises(InputError, match="two variants are expected, .* not cascade and cascade"):
        difnet.compare(cascade, cascade)
    with pytest.raises(InputError, match="nothing: holds no runs; give the folder of a variant"):
        difnet.compare(cascade, tmp_path / "nothing")


def test_importing_the_package_imports_no_pytorch() -> None:
    code = "import sys, difnet; assert 'torch' not in sys.modules; print(*dir(difnet)); difnet.nothing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["__version__", "compare", "load", "study"]
    assert done.stderr.endswith("AttributeError: module 'difnet' has no attribute 'nothing'\n")
