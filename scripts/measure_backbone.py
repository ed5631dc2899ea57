"""Time a training step on EfficientNet-Lite0 for docs/performance.md: its dilated convolutions, and freezing.

    python scripts/measure_backbone.py
    ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 python scripts/measure_backbone.py  # as without AVX-512

Steps of the baseline in one thread and single precision on 8 images of 120 x 160, as in camvid-lite: with the
dilated depthwise convolutions of PyTorch and with the project's, trained whole, and frozen with features that
are remembered. They take turns, so that neighbours on the machine disturb all alike. Prints processor time.
"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from time import process_time
from unittest import mock

import torch

from difnet.config import Project, resolve_run
from difnet.timing.protocol import median_interval
from difnet.timing.training_step import TrainingStep
from difnet.training import use_threads

PROJECT = Project(Path(__file__).resolve().parent.parent)
BACKBONE = "difnet.models.timm_backbone.with_dilated_depthwise"
CLASSES, BATCH, SIZE = 11, 8, (120, 160)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    use_threads(1)
    steps = step("none", plain=True), step("none"), step("backbone")
    times = [[processor_time(one) for one in steps] for _ in range(repeats + 1)][1:]
    milliseconds = [1e3 * median_interval(list(column))[0] for column in zip(*times, strict=True)]
    ratio, low, high = median_interval([old / new for old, new, _ in times])
    old, new, still = (f"{time:,.0f} ms" for time in milliseconds)
    print("| CPU | whole, PyTorch's | whole | ratio | frozen |\n|---|---|---|---|---|")
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"| {capability} | {old} | {new} | {ratio:.2f} ({low:.2f} to {high:.2f}) | {still} |")


def step(freeze: str, *, plain: bool = False) -> tuple[TrainingStep, torch.Tensor, torch.Tensor]:
    """A training step and what it takes; `plain`: with the convolutions of PyTorch."""
    run = resolve_run(
        PROJECT, benchmark="camvid-lite", ablation="deeplab", seed=0, overrides=[f"train.freeze={freeze}"]
    )
    unchanged = mock.patch(BACKBONE, lambda network: network) if plain else contextlib.nullcontext()
    with unchanged:
        taken = TrainingStep(run, CLASSES)
    taken.network.train()
    images = torch.randn(BATCH, 3, *SIZE).contiguous(memory_format=taken.layout)
    return taken, images, torch.randint(CLASSES, (BATCH, *SIZE))


def processor_time(prepared: tuple[TrainingStep, torch.Tensor, torch.Tensor]) -> float:
    """Seconds of one step."""
    taken, images, labels = prepared
    before = process_time()
    taken(images, labels)
    return process_time() - before


if __name__ == "__main__":
    main()
