"""`difnet status` and `difnet diff`: what runs are in which state, and in what two of them differ."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from difnet.config import RunFolder, load_run
from tests.cli.test_list import difnet
from tests.report.project import make_project


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run finished, one failed, one in work, one planned, of two variants."""
    variants = {"cascade": "Cascade", "seed_only": "Seed only"}
    folder = make_project(tmp_path_factory.mktemp("project"), variants=variants, seeds=(0, 1), size=24)
    runs, logs = folder / "runs", folder / "logs" / "train" / "seed_only"
    for run in ("cascade/seed1", "seed_only/seed0", "seed_only/seed1"):
        shutil.rmtree(runs / run)
    logs.mkdir(parents=True)
    (logs / "seed0.log").write_text("difnet: the loss is nan; lower train.learning_rate\n")
    (logs / "seed1.log").write_text("seed_only seed 1: 5 of 10 steps, loss 1.0, 27.0 s left\n")
    return folder


def test_every_state_is_told(folder: Path) -> None:
    with FileLock(folder / "runs" / "seed_only" / ".seed1.lock"):
        first, *runs, last = difnet("status", str(folder)).splitlines()
    assert first == f"{folder}: 1 of 4 runs finished"
    assert [line.split(maxsplit=3)[3].split(maxsplit=1) for line in runs] == [
        ["not", "run"],
        ["failed", "difnet: the loss is nan; lower train.learning_rate"],
        ["running", "seed_only seed 1: 5 of 10 steps, loss 1.0, 27.0 s left"],
    ]
    assert last == "  to go on: snakemake --cores all --config 'benchmarks=[toy]'"


def test_two_runs_are_compared(folder: Path, tmp_path: Path) -> None:
    first, absent = folder / "runs" / "cascade" / "seed0", folder / "runs" / "cascade"
    same = difnet("diff", str(first), str(first)).splitlines()
    assert same[:3] == ["configuration: equal", "environment: equal", "scores"]
    assert {line.split()[-1] for line in same[4:]} == {"+0.0000"}
    variant = load_run(first).model_copy(update={"variant": "seed_only"})
    RunFolder(tmp_path).write_config(variant, {})
    assert [line.split() for line in difnet("diff", str(first), str(tmp_path)).splitlines()] == [
        ["configuration"],
        ["variant", "cascade", "seed_only"],
        ["environment:", str(tmp_path), "is", "not", "trained"],
        ["scores:", str(tmp_path), "is", "not", "scored"],
    ]
    assert f"{absent}: is no run directory; give two such as" in difnet(
        "diff", str(first), str(absent), code=2
    )


def test_a_finished_benchmark_is_one_line(tmp_path: Path) -> None:
    folder = make_project(tmp_path, variants={"cascade": "Cascade"}, seeds=(0,), size=24)
    assert difnet("status", str(folder)) == f"{folder}: 1 of 1 runs finished\n"
