"""Time and memory of `difnet analyse` and `difnet report` by the number of variants: for docs/scaling.md.

Trains shapes for two steps with two seeds; a run has, of each image, the statistics of one of them, by lot.
Three seeds a variant. Processor time, so that other jobs count little: python scripts/measure_analysis.py
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure_planning import PARTS, ROOT

from difnet.config import BenchmarkPlan, Project, RunConfig, RunFolder, plan
from difnet.config.digests import write_digested
from difnet.metrics.scores import scores_from_statistics
from difnet.tables import SCORES
from difnet.tables.per_image import PerImage

SIZES = (20, 60, 500)
COPIED = ("weights.safetensors", "history.csv", ".history.csv.sha256")


def difnet(project: Path, *arguments: str) -> tuple[float, float]:
    """Processor seconds and GB of a command."""
    command = [sys.executable, "-m", "difnet", *arguments]
    process = subprocess.Popen(
        command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    said = process.stderr.read() if process.stderr else ""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(arguments[:2])}: {said}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9


def trained(project: Path) -> list[Path]:
    """Two runs of the reference."""
    runs = [project / "trained" / f"seed{seed}" for seed in (0, 1)]
    for seed, run in enumerate(runs):
        where = ["--benchmark", "shapes", "--ablation", "cascade", "--seed", str(seed), "--out", str(run)]
        difnet(project, "train", *where, "--set", "train.steps=2")
        difnet(project, "evaluate", str(run))
    return runs


def write_runs(project: Path, variants: int, originals: list[Path]) -> BenchmarkPlan:
    """Plan so many variants of the reference, and write their runs as finished."""
    weights = [round((number + 1) / (variants + 1), 6) for number in range(variants - 1)]
    selection = {"benchmarks": ["shapes"], "ablations": ["cascade"], "seeds": [0, 1, 2], "timing": False}
    (part,) = plan(Project(project), {**selection, "sweep": {"model.restart": weights}}).benchmarks.values()
    part.write(Project(project))
    random = np.random.default_rng(0)
    statistics = [PerImage.read(run / "per_image.parquet") for run in originals]
    scores = SCORES.read(originals[0] / "scores.csv")
    classes = [name for name in scores["class"].unique() if name]
    for config in part.runs:
        folder = part.run_folder(project / "results", config.variant, config.seed)
        write_run(folder, config, originals[0])
        chosen = random.integers(2, size=(len(statistics[0].names), 1)) == 1
        parts = {
            name: np.where(chosen, values, statistics[1].parts[name])
            for name, values in statistics[0].parts.items()
        }
        mixed = PerImage(statistics[0].names, statistics[0].labels, parts, statistics[0].groups)
        mixed.write(folder.path / "per_image.parquet")
        rows = scores_from_statistics(mixed, classes)
        given = {"variant": config.variant, "seed": config.seed, "split": config.evaluate.split}
        SCORES.write(rows.assign(**given)[list(scores.columns)], folder.path / "scores.csv")
    return part


def write_run(folder: RunFolder, config: RunConfig, original: Path) -> None:
    """What a training of this configuration would have left."""
    for name in COPIED:
        shutil.copy(original / name, folder.path / name)
    record = json.loads((original / "environment.json").read_text())
    record = {key: value for key, value in record.items() if key not in {"sha256", "along_sha256"}}
    text = json.dumps({**record, "recipe": config.training_identity()}, indent=1)
    write_digested(folder.path / "environment.json", text)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, nargs="*", default=list(SIZES))
    print("| variants | runs | command | processor seconds | exponent | GB | MB of the page |")
    print("|---|---|---|---|---|---|---|")
    former: dict[str, tuple[int, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        project = Path(name)
        for part in PARTS:
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, project / part)
        originals = trained(project)
        for variants in parser.parse_args().variants:
            folder = project / "results" / "shapes"
            shutil.rmtree(folder / "runs", ignore_errors=True)
            planned = write_runs(project, variants, originals)
            runs = [
                str(planned.run_folder(project / "results", run.variant, run.seed).path)
                for run in planned.runs
            ]
            for command in (["analyse", *runs, "--out", str(folder)], ["report", str(folder)]):
                seconds, memory = difnet(project, *command)
                before = former.get(command[0])
                exponent = (
                    f"{math.log(seconds / before[1]) / math.log(variants / before[0]):.2f}" if before else ""
                )
                page = (
                    f"{(folder / 'report.html').stat().st_size / 1e6:.1f}" if command[0] == "report" else ""
                )
                cells = (variants, len(runs), command[0], f"{seconds:.1f}", exponent, f"{memory:.2f}", page)
                print(f"| {' | '.join(map(str, cells))} |", flush=True)
                former[command[0]] = variants, seconds


if __name__ == "__main__":
    main()
