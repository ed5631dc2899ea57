"""What a command costs before its work begins: Snakemake starts one for every job."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import torch

from difnet.config import RunFolder, resolve_run
from difnet.models import build_from_config
from tests.conftest import CATALOGUE, save_weights


def cpu_seconds(*arguments: str) -> float:
    """CPU time of a command; unlike its duration it does not depend on what else runs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_help_within_half_a_second() -> None:
    cpu_seconds("-m", "difnet", "--help")
    assert min(cpu_seconds("-m", "difnet", "--help") for _ in range(3)) < 0.5


def test_stages_do_not_import_what_they_do_not_need() -> None:
    """torchvision, and with it PyTorch's compiler, would add half to the import of PyTorch."""
    code = """
import sys
import difnet.evaluation, difnet.training
print(*sorted({"torchvision", "torch._dynamo", "matplotlib", "snakemake", "cupy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "\n"


def test_several_runs_are_scored_in_one_process(tmp_path: Path) -> None:
    for seed in (0, 1):
        run = tmp_path / f"seed{seed}"
        config = resolve_run(CATALOGUE, benchmark="tiny", ablation="deeplab", seed=seed)
        torch.manual_seed(seed)
        RunFolder(run).write_config(config, {})
        save_weights(build_from_config(config.model, 7).state_dict(), run)
    folders = [str(tmp_path / f"seed{seed}") for seed in (0, 1)]
    data = str(tmp_path / "data")
    evaluate = [sys.executable, "-m", "difnet", "evaluate", "--data", data]
    both = subprocess.run(
        [*evaluate, *folders], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    written = [(tmp_path / f"seed{seed}" / "scores.csv").read_bytes() for seed in (0, 1)]
    assert both.index(folders[0]) == 0
    second = both.index(folders[1])
    assert both[1].startswith("miou") and both[second + 1].startswith("miou")
    alone = subprocess.run([*evaluate, folders[1]], check=True, capture_output=True, text=True).stdout
    assert alone.splitlines() == both[second + 1 :]
    assert (tmp_path / "seed1" / "scores.csv").read_bytes() == written[1] != written[0]
