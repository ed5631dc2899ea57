"""Measure a whole training step for docs/performance.md: the project's path against the plain one.

    DIFNET_DATA=~/data python scripts/measure_training.py --networks difnet-nano difnet-18 difnet-50

Plain is what one would write first: single precision, contiguous tensors, every walk as softmax and matrix
product. Both train the cascade on the same crops of CamVid (scale 0.5 to 1.4) and are timed in turn. Writes
steps.csv (time, ratio, peak memory) and shares.csv (where the time goes).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from difnet.config import Project, RunConfig, resolve_run
from difnet.data import load_prepared, prepare
from difnet.data.batches import Batch, training_batches
from difnet.diffusion import transition_matrix
from difnet.models.diffusion_rules import Cascade
from difnet.timing.protocol import median_interval, peak_memory, seconds
from difnet.timing.training_step import TrainingStep, training_step_breakdown
from difnet.training import choose_device, use_threads

PLAIN = ("train.precision=fp32", "train.channels_last=false")
Step = Callable[[], object]


class PlainCascade(nn.Module):
    """The learned cascade with N x N matrices, (B, D, N) levels and (B, C, N) seeds -> (B, C, N)."""

    def __init__(self, cascade: Cascade) -> None:
        super().__init__()
        self.alpha, self.beta = cascade.alpha, cascade.beta

    def forward(self, levels: list[Tensor], seeds: Tensor) -> Tensor:
        """Walk along every level once."""
        h = seeds
        for level, alpha, beta in zip(levels, self.alpha, self.beta, strict=True):
            a, b = torch.sigmoid(alpha), torch.sigmoid(beta)
            walked = torch.bmm(h, transition_matrix(level).mT)
            h = (1 - b) * ((1 - a) * walked + a * seeds) + b * h
        return h


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/training-speed"))
    parser.add_argument("--networks", nargs="+", default=["difnet-nano", "difnet-18", "difnet-50"])
    parser.add_argument("--crop", type=int, default=193, help="height and width of the images in pixels")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7, help="pairs of steps; one more warms up")
    options = parser.parse_args()
    use_threads(options.threads)
    settings = (
        f"train.crop={options.crop}",
        f"train.batch_size={options.batch}",
        f"train.threads={options.threads}",
        "train.scale=[0.5, 1.4]",
        "data.size=null",
    )
    data = options.out / "data"
    steps, shares = [], []
    for network in options.networks:
        ours = run_config(network, *settings)
        prepare(ours.data, data)
        batch = next(training_batches(load_prepared(data).split("train"), ours))
        calls = {
            "plain": step(run_config(network, *settings, *PLAIN), batch, plain=True),
            "ours": step(ours, batch),
        }
        steps += compare(network, calls, images=options.batch, repeats=options.repeats)
        share = training_step_breakdown([ours], data=data)
        shares.append(share.assign(variant=network))
        print(
            pd.DataFrame(steps).to_string(index=False),
            shares[-1].to_string(index=False),
            sep="\n",
            flush=True,
        )
    pd.DataFrame(steps).to_csv(options.out / "steps.csv", index=False)
    pd.concat(shares).to_csv(options.out / "shares.csv", index=False)


def run_config(network: str, *settings: str) -> RunConfig:
    """The cascade of one network on CamVid."""
    # The benchmark trains in single precision; what is measured is what others do by default.
    overrides = [f"model.name={network}", "train.precision=auto", *settings]
    return resolve_run(Project(), benchmark="camvid-cpu", ablation="cascade", seed=0, overrides=overrides)


def step(run: RunConfig, batch: Batch, *, plain: bool = False) -> Step:
    """A training step on one batch, of a network of its own."""
    torch.manual_seed(run.seed)
    timed = TrainingStep(run, classes=11)
    if plain:
        assert isinstance(timed.network.diffusion, Cascade)
        timed.network.diffusion = PlainCascade(timed.network.diffusion)
    return partial(timed, *timed.inputs(batch))


def compare(network: str, calls: dict[str, Step], *, images: int, repeats: int) -> list[dict[str, object]]:
    """Time the paths in turn; one row each, with the ratio to the plain one."""
    device = choose_device().type
    for call in calls.values():
        call()
    rounds = [{path: seconds(call, device) for path, call in calls.items()} for _ in range(repeats)]
    rows = []
    for path, call in calls.items():
        ms, low, high = median_interval([1e3 * times[path] for times in rounds])
        ratio, ratio_low, ratio_high = median_interval([times["plain"] / times[path] for times in rounds])
        rows.append(
            {"network": network, "path": path, "device": device, "step_ms": ms, "step_ms_low": low}
            | {"step_ms_high": high, "images_per_s": 1e3 * images / ms, "ratio": ratio}
            | {"ratio_low": ratio_low, "ratio_high": ratio_high}
            | {"peak_memory_mb": peak_memory(call, device) / 1e6, "repeats": repeats}
        )
    return rows


if __name__ == "__main__":
    main()
