"""Compare a training step of two versions of the project for docs/performance.md, in turn, in one run.

    git worktree add --detach ../before COMMIT
    DIFNET_DATA=~/data python scripts/measure_step.py ../before . --benchmarks shapes camvid-cpu

Each version trains the cascade in a process of its own, from the same values and on the same batches; the
processes take turns, a few steps each, so that neighbours on the machine disturb both alike. Prints
processor time a step of one thread in single precision, and the ratio. In double precision the same steps
are taken once more: losses that differ from the first step on are those of other networks. Where a pooling
finds two largest values that are equal but for rounding, the versions may part after some steps.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from itertools import islice, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

SETTINGS = ("train.precision=fp32", "train.threads=1")
STEPS = 5
"""Steps of a turn."""
EQUAL = 1e-8
"""Of a loss: what rounding explains."""


def main() -> None:
    """Print one line a benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="folder of one version of the project")
    parser.add_argument("after", type=Path, help="folder of the other")
    parser.add_argument("--benchmarks", nargs="+", default=["shapes", "camvid-cpu"])
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="assignments to the run")
    parser.add_argument("--turns", type=int, default=10, help=f"of {STEPS} steps; the first warms up")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, turns=options.turns)
        return
    from difnet.timing.protocol import median_interval

    print(f"{platform.processor() or platform.machine()}: {processor()}")
    for benchmark in options.benchmarks:
        before, after, losses = measure(
            benchmark, options.set, (options.before, options.after), turns=options.turns
        )
        ratio, low, high = median_interval([old / new for old, new in zip(before, after, strict=True)])
        old, new = (1e3 * median_interval(times)[0] for times in (before, after))
        apart = [abs(one - other) / abs(one) for one, other in zip(*losses, strict=True)]
        equal = sum(1 for _ in takewhile(lambda difference: difference < EQUAL, apart))
        print(
            f"{benchmark}: {old:.1f} ms before, {new:.1f} ms after, ratio {ratio:.2f} "
            f"({low:.2f} to {high:.2f}); in double precision the losses of the first {equal} of {len(apart)} "
            f"steps differ by at most {max(apart[:equal], default=0):.0e} of their value, all by {max(apart):.0e}",
            flush=True,
        )


def measure(
    benchmark: str, assignments: list[str], versions: tuple[Path, Path], *, turns: int
) -> tuple[list[float], list[float], list[list[float]]]:
    """Processor seconds a step of each turn of either version, and the losses of all steps of both."""
    with TemporaryDirectory() as folder:
        write_inputs(benchmark, assignments, Path(folder), steps=turns * STEPS)
        workers = [start(version, folder, turns) for version in versions]
        times: list[list[float]] = [[], []]
        losses: list[list[float]] = [[], []]
        for turn in range(turns):
            for index, worker in enumerate(workers):
                seconds, some = answer(worker)
                losses[index] += some
                if turn > 0:
                    times[index].append(seconds)
        for worker in workers:
            worker.communicate()
    return times[0], times[1], losses


def write_inputs(benchmark: str, assignments: list[str], folder: Path, *, steps: int) -> None:
    """Write what both versions train: sections `model` and `train`, initial values, and the batches."""
    import torch

    from difnet.config import Project, resolve_run
    from difnet.data import load_prepared, prepare
    from difnet.data.batches import training_batches
    from difnet.models import build_from_config

    overrides = [*assignments, *SETTINGS]
    run = resolve_run(Project(), benchmark=benchmark, ablation="cascade", seed=0, overrides=overrides)
    prepare(run.data, folder / "data")
    prepared = load_prepared(folder / "data")
    classes = len(prepared.index.classes)
    model = run.model.model_copy(update={"weights": None})
    batches = [
        (batch.images, batch.labels)
        for batch in islice(training_batches(prepared.split("train"), run), steps)
    ]
    torch.save(
        {
            "model": model.model_dump(exclude_defaults=True),
            "train": run.train.model_dump(exclude_defaults=True),
            "classes": classes,
            "weights": build_from_config(model, classes, seed=run.seed).state_dict(),
            "batches": batches,
        },
        folder / "inputs.pt",
    )


def start(version: Path, folder: str, turns: int) -> subprocess.Popen[str]:
    """A process that trains a version of the project, and waits for a line before each turn."""
    return subprocess.Popen(
        [sys.executable, __file__, "", "", "--serve", folder, "--turns", str(turns)],
        env={**os.environ, "PYTHONPATH": str(version.resolve())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def answer(worker: subprocess.Popen[str]) -> tuple[float, list[float]]:
    """Let a process take its turn, and return what it says: seconds a step, and the losses."""
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        raise SystemExit(f"measure_step: the version in {worker.args} failed; see above")
    seconds, losses = json.loads(line)
    return seconds, losses


def serve(folder: Path, *, turns: int) -> None:
    """Train, a turn for each line read. Takes of the project only what all its versions have."""
    import torch

    from difnet.config import ModelConfig, TrainConfig
    from difnet.models import build_from_config
    from difnet.training.recipe import make_optimiser, training_step

    torch.set_num_threads(1)
    inputs = torch.load(folder / "inputs.pt")
    train = TrainConfig(**inputs["train"])
    networks = []
    for dtype in (torch.float32, torch.float64):
        network = build_from_config(ModelConfig(**inputs["model"]), inputs["classes"])
        network.load_state_dict(inputs["weights"])
        network = network.to(dtype, memory_format=torch.channels_last).train()
        networks.append((network, make_optimiser(network, train)))
    (network, optimiser), (exact, exact_optimiser) = networks
    for turn in range(turns):
        batches = [
            (images.to(memory_format=torch.channels_last), labels)
            for images, labels in inputs["batches"][turn * STEPS : (turn + 1) * STEPS]
        ]
        input()
        began = process_time()
        for images, labels in batches:
            training_step(network, optimiser, images, labels, step=0, train=train)
        seconds = (process_time() - began) / STEPS
        losses = [
            float(training_step(exact, exact_optimiser, images.double(), labels, step=0, train=train))
            for images, labels in batches
        ]
        print(json.dumps([seconds, losses]), flush=True)


def processor() -> str:
    """Model of the processor, as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


if __name__ == "__main__":
    main()
