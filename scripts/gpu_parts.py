"""What `scripts/gpu_session.py` measures, one function a part; each runs in a process of its own.

A part calls `measured(name, value)` as soon as it knows something, so that one that is ended keeps it. Names
are those of the table of expectations there. In a dry run it takes the smallest size, on whatever there is.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import torch
from gpu_session import MEASURED, PROJECT, with_project
from measure_training import PLAIN, PlainCascade
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from difnet.config import PreemptedError, Project, plan, resolve_run
from difnet.diffusion.lu_backends import cupy_problem
from difnet.diffusion.walk import WALKS
from difnet.machine.environment import environment
from difnet.machine.gpus import lease_gpus, visible_gpus
from difnet.timing import time_benchmark
from difnet.timing.cuda_graph import recorded
from difnet.timing.operator_inputs import FEATURE_SCALE, LEVELS, normal
from difnet.timing.protocol import peak_memory, seconds
from difnet.timing.subjects import SUBJECTS
from difnet.timing.training_step import STEPS, TrainingStep, mark_walks, part_times
from difnet.training import choose_device
from difnet.training.device import use_deterministic

CLASSES = 21
OPERATORS = {"plain_walk", "fused_walk", "cascade", "dense_inverse_cupy", "dense_inverse_torch"}
CELL_S = 2.0
"""Seconds of a cell of the tables of timing."""
TOGETHER = 8
"""Jobs of small networks that share a device: one alone does not fill it."""


@dataclass(frozen=True)
class Sizes:
    """How large everything is."""

    network: str
    side: int
    batch: int
    nodes: tuple[int, ...]
    """Of the operators."""
    grids: tuple[int, ...]
    """Nodes of walks, each with each of the batches."""
    batches: tuple[int, ...]
    repeats: int
    benchmark: str
    settings: tuple[str, ...]
    """Of the benchmark's runs."""
    seeds: tuple[str, ...]
    """What the last part runs."""


FULL = Sizes(
    *("difnet-50", 321, 16, (1681, 4225, 9216, 16384)),
    *((81, 336, 1271, 1681, 4225, 9216), (1, 8, 16), 9, "camvid"),
    settings=("model.weights=null", "train.steps=300", "train.checkpoint_every=100"),
    seeds=("benchmarks=[camvid-cpu]",),
)
DRY = Sizes(
    *("difnet-nano", 65, 2, (64,), (64,), (2,), 2, "tiny"),
    settings=("train.steps=40", "train.checkpoint_every=5"),
    seeds=("benchmarks=[tiny]", "ablations=[pixel_prior]", "seeds=[0]"),
)


def measured(name: str, value: object) -> None:
    """Tell the session a value."""
    print(f"{MEASURED}{json.dumps([name, value])}", flush=True)


def milliseconds(call: Callable[[], object], sizes: Sizes) -> float:
    """Median over the repeats, after two calls; each waits for the device."""
    device = choose_device().type
    times = [1e3 * seconds(call, device) for _ in range(sizes.repeats + 2)]
    return round(median(times[2:]), 3)


def machine(sizes: Sizes, out: Path) -> None:
    """Versions, devices, and whether CuPy works."""
    device = choose_device()
    for name, value in environment("time").items():
        measured(name, value)
    measured("visible GPUs", visible_gpus())
    measured("CuPy", cupy_problem(device) or "works")


def tests(sizes: Sizes, out: Path) -> None:
    """The tests that need a GPU."""
    report = out / "tests.xml"
    done = run("-m", "pytest", "-m", "gpu", "-rs", "--tb=short", f"--junitxml={report}")
    suite = next(ElementTree.parse(report).iter("testsuite"))
    for name in ("tests", "failures", "errors", "skipped"):
        measured(f"pytest -m gpu, {name}", int(suite.attrib[name]))
    sys.exit(done)


def parity(sizes: Sizes, out: Path) -> None:
    """One step on the CPU, and on the device in each precision: loss and gradients, relative."""
    here = numbers_of_step(sizes, torch.device("cpu"), "fp32")
    for precision in ("fp32", "bf16"):
        loss, gradients = numbers_of_step(sizes, choose_device(), precision)
        off = float((gradients - here[1]).norm() / here[1].norm())
        measured(f"{precision}, loss and gradients off by", [abs(loss / here[0] - 1), off])


def numbers_of_step(sizes: Sizes, device: torch.device, precision: str) -> tuple[float, Tensor]:
    """Loss and gradients of the first step of a small network."""
    step, images, labels = training(sizes, f"train.precision={precision}", "model.name=difnet-nano")
    step.network.to(device)
    loss = float(step(images[:4].to(device), labels[:4].to(device)))
    gradients = [p.grad.flatten().float().cpu() for p in step.network.parameters() if p.grad is not None]
    return loss, torch.cat(gradients)


def operators(sizes: Sizes, out: Path) -> None:
    """Forward passes, warm and after the cache was swept; LU of a batch in turn and at once."""
    device = choose_device()
    on_gpu = device.type == "cuda"
    without = {"dense_inverse_cupy"} if cupy_problem(device) else set()
    subjects = {subject.name: subject for subject in SUBJECTS if subject.name in OPERATORS - without}
    swept = torch.empty(2**28 if on_gpu else 2**10, dtype=torch.uint8, device=device)
    for nodes in sizes.nodes:
        levels = [FEATURE_SCALE * normal(1, 64, nodes, seed=level).to(device) for level in range(LEVELS)]
        seeds = normal(1, CLASSES, nodes, seed=LEVELS).to(device)
        with torch.no_grad():
            for name, subject in subjects.items():
                call = partial(subject.operator, levels, seeds)
                measured(f"{name}, N = {nodes}", milliseconds(call, sizes))
                peak = peak_memory(call, device.type) / (4 * nodes**2)
                measured(f"{name}, N = {nodes}, peak in N x N floats", round(peak, 3))
            call = partial(subjects["cascade"].operator, levels, seeds)
            both = milliseconds(lambda call=call: (swept.zero_(), call()), sizes)
            measured(f"cascade with the cache swept, N = {nodes}", both - milliseconds(swept.zero_, sizes))
            if on_gpu:
                measured(f"cascade as a CUDA graph, N = {nodes}", milliseconds(recorded(call), sizes))
    systems = 3 * torch.eye(sizes.nodes[0], device=device).repeat(sizes.batch, 1, 1)
    in_turn = milliseconds(lambda: [torch.linalg.lu_factor_ex(system) for system in systems], sizes)
    measured("LU of a batch in turn", in_turn)
    if on_gpu:  # a CPU's is wrong
        measured("LU of a batch at once", milliseconds(lambda: torch.linalg.lu_factor_ex(systems), sizes))


def walks(sizes: Sizes, out: Path) -> None:
    """The paths of a walk that a GPU could take: forward, and with the backward pass."""
    device = choose_device()
    for batch, nodes, classes in product(sizes.batches, sizes.grids, (11, 150)):
        features = (FEATURE_SCALE * normal(batch, 64, nodes, seed=0)).to(device)
        seeds = normal(batch, classes, nodes, seed=1).to(device)
        leaves = [tensor.clone().requires_grad_() for tensor in (features, seeds)]
        for path in ("plain", "held", "attention"):
            times = [
                milliseconds(partial(call, WALKS[path], *given), sizes)
                for call, given in ((forward, (features, seeds)), (gradients, leaves))
            ]
            measured(f"{path}, {batch} x {nodes}, C = {classes}, forward and with backward", times)


def forward(walk: Callable[[Tensor, Tensor], Tensor], features: Tensor, seeds: Tensor) -> Tensor:
    """A walk without a gradient."""
    with torch.no_grad():
        return walk(features, seeds)


def gradients(
    walk: Callable[[Tensor, Tensor], Tensor], features: Tensor, seeds: Tensor
) -> tuple[Tensor, ...]:
    """Of a walk, with respect to both that it is given."""
    return torch.autograd.grad(walk(features, seeds), (features, seeds), seeds.detach())


def steps(sizes: Sizes, out: Path) -> None:
    """The training step against the plain path in single precision, and where its time goes."""
    device = choose_device().type
    ours, images, labels = training(sizes)
    call = partial(ours, images, labels)
    measured("step", milliseconds(call, sizes))
    measured("images/s", round(1e3 * sizes.batch / milliseconds(call, sizes)))
    measured("step, peak GB", round(peak_memory(call, device) / 1e9, 2))
    mark_walks(ours.network)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
    with profile(activities=activities) as profiler:
        for _ in range(STEPS):
            call()
    for part, ms in part_times(profiler.events() or [], on_gpu=device == "cuda").items():
        measured(f"step, {part}", round(ms, 2))
    torch.backends.cudnn.benchmark = True
    measured("step with cudnn.benchmark", milliseconds(call, sizes))
    torch.backends.cudnn.benchmark = False
    del ours, call
    plain, images, labels = training(sizes, *PLAIN)
    plain.network.diffusion = PlainCascade(plain.network.diffusion)
    measured("plain step", milliseconds(partial(plain, images, labels), sizes))


def deterministic(sizes: Sizes, out: Path) -> None:
    """What deterministic kernels cost, and whether two trainings have the same bits with and without."""
    for fixed in (False, True):
        use_deterministic(fixed)
        weights = []
        for _ in range(2):
            step, images, labels = training(sizes)
            for _ in range(3):
                step(images, labels)
            weights.append(torch.cat([p.detach().flatten() for p in step.network.parameters()]).cpu())
        name = "deterministic" if fixed else "fastest kernels"
        measured(f"{name}, the same bits", torch.equal(*weights))
        measured(f"{name}, step", milliseconds(partial(step, images, labels), sizes))


def stopped_training(sizes: Sizes, out: Path) -> None:
    """A training that is asked to stop after its first checkpoint, and is continued."""
    folder = out / "stopped"
    shutil.rmtree(folder, ignore_errors=True)
    chosen = ["--benchmark", sizes.benchmark, "--ablation", "cascade", "--seed", "0"]
    settings = [word for setting in sizes.settings for word in ("--set", setting)]
    command = ["-m", "difnet", "train", *chosen, "--out", str(folder), *settings]
    process = subprocess.Popen([sys.executable, *command], cwd=PROJECT)
    while process.poll() is None and not (folder / "checkpoint.pt").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    measured("exit code of the stopped training", process.wait())
    measured("exit code of its continuation", run(*command))
    record = json.loads((folder / "environment.json").read_text())
    measured("training, seconds", record["wall_s"])
    sys.exit(process.returncode not in {0, PreemptedError.exit_code})


def workflow(sizes: Sizes, out: Path) -> None:
    """The whole workflow on two variants of `tiny`, whose jobs share a device."""
    lease_gpus()
    config = ("benchmarks=[tiny]", "ablations=[cascade,deeplab]", "seeds=[0]")
    sys.exit(run_workflow(out / "tiny", *config))


def timing(sizes: Sizes, out: Path) -> None:
    """The tables of `difnet time --benchmark`, with less time for each cell, so that the CPU's are few."""
    chosen = {"benchmarks": [sizes.benchmark], "seeds": [0], "set": list(sizes.settings)}
    (planned,) = plan(Project(), chosen).benchmarks.values()
    hurried = planned.timing.model_copy(update={"budget_s": CELL_S, "repeats": 5})
    lease_gpus()
    for path in time_benchmark(
        planned.model_copy(update={"timing": hurried}), data=out / "data", out=out / "timing"
    ):
        measured(path.name, "written")


def seeds(sizes: Sizes, out: Path) -> None:
    """The workflow on real images: every arm of the claims of `camvid-cpu`, five seeds, at the same time."""
    lease_gpus()  # for all its jobs together
    sys.exit(run_workflow(out / "seeds", *sizes.seeds))


def training(sizes: Sizes, *overrides: str) -> tuple[TrainingStep, Tensor, Tensor]:
    """A step of the recipe of VOC 2012 with the same weights in every call, and a random batch."""
    run = {"benchmark": "voc2012-modern", "ablation": "cascade", "seed": 0}
    given = [
        "model.weights=null",
        f"model.name={sizes.network}",
        f"train.crop={sizes.side}",
        f"train.batch_size={sizes.batch}",
    ]
    config = resolve_run(Project(), **run, overrides=(*given, *overrides))
    torch.manual_seed(0)
    step = TrainingStep(config, CLASSES)
    images = normal(sizes.batch, 3, sizes.side, sizes.side, seed=1).to(step.device)
    labels = torch.randint(CLASSES, images[:, 0].shape, generator=torch.Generator().manual_seed(2))
    return step, images.contiguous(memory_format=step.layout), labels.to(step.device)


def run_workflow(copy: Path, *config: str) -> int:
    """Exit code of Snakemake with this `--config` in a copy of the project, which it continues."""
    for folder in ("workflow", "ablations", "profiles", "difnet"):
        shutil.copytree(PROJECT / folder, copy / folder, dirs_exist_ok=True)
    for file in ("Snakefile", "pyproject.toml"):
        shutil.copy(PROJECT / file, copy / file)
    gpus = f"gpu={TOGETHER * len(visible_gpus())}"
    after_an_end = ("--nolock", "--rerun-incomplete")
    options = ("--cores", "all", "--resources", gpus, "--scheduler", "greedy", *after_an_end)
    done = run("-m", "snakemake", *options, "--config", *config, cwd=copy)
    measured("the report is there", (copy / "results" / "report.html").exists())
    return done


def run(*arguments: str, cwd: Path = PROJECT) -> int:
    """Exit code of a Python command of this project."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=with_project(cwd), check=False).returncode


PARTS: dict[str, Callable[[Sizes, Path], None]] = {
    "environment": machine,
    "tests": tests,
    "parity": parity,
    "walks": walks,
    "operators": operators,
    "step": steps,
    "deterministic": deterministic,
    "training": stopped_training,
    "workflow": workflow,
    "timing": timing,
    "seeds": seeds,
}

if __name__ == "__main__":
    PARTS[sys.argv[1]](DRY if "--dry-run" in sys.argv else FULL, Path(sys.argv[2]))
