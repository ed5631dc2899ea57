"""Show that the weights of a run depend on its configuration alone, not on workers or interruptions.

Trains a run undisturbed, then once with each number of loader workers, killed (SIGKILL) at random moments and
started again each time; compares the SHA-256 of the weights.

Example: python scripts/check_determinism.py --set train.steps=200 --set train.checkpoint_every=5
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from difnet.config import InputError, Project, RunConfig, RunError, resolve_run

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["difnet.training"])


def train(config: RunConfig, data: Path, out: Path) -> None:
    """Train a run; the body of every process."""
    from difnet.training import train_run

    try:
        train_run(config, data=data, out=out, command="scripts/check_determinism.py")
    except (InputError, RunError) as error:
        sys.exit(str(error))


def start(config: RunConfig, data: Path, out: Path) -> BaseProcess:
    """A process that trains a run, from the moment at which its first step is due."""
    begun = out / "config.yaml"
    older = (
        begun.read_text().partition("\n")[2] if begun.exists() else ""
    )  # without its digest, so written again
    if older:
        begun.write_text(older)
    process = PROCESSES.Process(target=train, args=(config, data, out))
    process.start()
    while process.is_alive() and not (begun.exists() and begun.read_text() != older):
        time.sleep(0.001)
    return process


def finish(process: BaseProcess, out: Path) -> str:
    """SHA-256 of the weights that a process leaves."""
    process.join()
    if process.exitcode:
        sys.exit(f"the training ended with exit code {process.exitcode}")
    return hashlib.sha256((out / "weights.safetensors").read_bytes()).hexdigest()


def interrupted(
    config: RunConfig, data: Path, out: Path, *, kills: int, longest_s: float
) -> tuple[str, list[int]]:
    """SHA-256 of the weights of a training that is killed again and again, and the steps it went on from."""
    moments = random.Random(config.train.workers)
    steps: list[int] = []
    while len(steps) < kills:
        process = start(config, data, out)
        process.join(moments.uniform(0, longest_s))
        if process.is_alive():
            process.kill()
            process.join()
            steps.append(last_step(out))
        else:
            finish(process, out)
            shutil.rmtree(out)  # done before its turn came: once more from the start
    return finish(start(config, data, out), out), steps


def last_step(out: Path) -> int:
    """Steps that the history of a run holds: it is written with each checkpoint."""
    history = out / "history.csv"
    last = history.read_text().splitlines()[-1] if history.exists() else "step"
    return int(last.partition(",")[0]) if last[0].isdigit() else 0


def main() -> int:
    """Run the check; 0 where all weights are equal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--benchmark", default="tiny")
    parser.add_argument("--ablation", default="cascade")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], help="change a key, e.g. train.steps=200")
    parser.add_argument("--kills", type=int, default=20, help="of each training")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2, 4])
    arguments = parser.parse_args()
    config = resolve_run(
        Project(),
        benchmark=arguments.benchmark,
        ablation=arguments.ablation,
        seed=arguments.seed,
        overrides=arguments.set,
    )
    from difnet.data import prepare

    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data", Path(folder) / "run"
        prepare(config.data, data)
        process, begun = start(config, data, out), time.monotonic()
        expected = finish(process, out)
        longest_s = 1.6 * (time.monotonic() - begun) / max(1, arguments.kills)
        print(f"undisturbed: {expected}", flush=True)
        same = True
        for workers in arguments.workers:
            run = config.model_copy(update={"train": config.train.model_copy(update={"workers": workers})})
            shutil.rmtree(out)
            found, steps = interrupted(run, data, out, kills=arguments.kills, longest_s=longest_s)
            same &= found == expected
            verdict = "the same" if found == expected else "DIFFERENT"
            print(
                f"{workers} workers, {len(steps)} kills (after steps {steps}): {found}, {verdict}", flush=True
            )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
