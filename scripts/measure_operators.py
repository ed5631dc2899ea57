"""Measure the diffusion operators for docs/performance.md: ratios, floor, grid and growth.

    python scripts/measure_operators.py --out results/operators

writes ratios.csv, floor.csv, timing.csv and growth.csv, with `--large` also large.csv. On a machine that
does other work at the same time, `--clock cpu --threads 1` compares processor time, which the neighbours
hardly change; the grid is always wall time.

Dimension letters: B batch, C classes, D embedding, N nodes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import scipy.linalg
import torch
from torch import Tensor

from difnet.config import TimingConfig
from difnet.diffusion import dense_inverse, iterative_inverse, iterative_solve, random_walk, transition_matrix
from difnet.diffusion.walk import attention_walk
from difnet.tables import GROWTH, TIMING
from difnet.timing import fit_growth, time_operators
from difnet.timing.protocol import median_interval, peak_memory
from difnet.training import use_threads

EMBEDDING, CLASSES, RESTART, TOLERANCE = 64, 21, 0.1, 1e-5

Call = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Two calls; the ratio is the time of the reference over the time of ours."""

    name: str
    nodes: int
    reference: Call
    ours: Call


def plain_walk(features: Tensor, signal: Tensor) -> Tensor:
    """The walk as one would write it first."""
    return signal @ torch.softmax(features.mT @ features, dim=-1).mT


def explicit_inverse(transition: Tensor, seeds: Tensor) -> Tensor:
    """Form the inverse, by SciPy, which is the fastest at it, then multiply."""
    system = torch.eye(transition.shape[-1]) - (1 - RESTART) * transition[0]
    inverse = torch.from_numpy(scipy.linalg.inv(system.numpy(), overwrite_a=True, check_finite=False))
    return RESTART * (seeds[0] @ inverse.mT)


def step(operator: Callable[[Tensor, Tensor], Tensor], left: Tensor, right: Tensor) -> Call:
    """Return forward and backward of an operator as one call."""

    def run() -> None:
        leaves = [left.detach().requires_grad_(), right.detach().requires_grad_()]
        torch.autograd.grad(operator(*leaves), leaves, torch.ones_like(right))

    return run


def comparisons(nodes: int) -> Iterator[Comparison]:
    """Yield the comparisons at one size; those that form an inverse at small sizes alone."""
    features = 0.3 * torch.randn(1, EMBEDDING, nodes)
    seeds = torch.randn(1, CLASSES, nodes)
    for name, walk in (("plain", plain_walk), ("attention", attention_walk)):
        yield Comparison(
            f"fused walk against {name}, forward",
            nodes,
            lambda walk=walk: walk(features, seeds),
            lambda: random_walk(features, seeds),
        )
        yield Comparison(
            f"fused walk against {name}, forward and backward",
            nodes,
            step(walk, features, seeds),
            step(random_walk, features, seeds),
        )
    if nodes <= 5000:
        transition = transition_matrix(features)
        yield Comparison(
            "dense inverse against forming the inverse",
            nodes,
            lambda: explicit_inverse(transition, seeds),
            lambda: dense_inverse(transition, seeds, RESTART),
        )
        yield Comparison(
            "dense inverse, forward and backward over forward",
            nodes,
            step(lambda p, s: dense_inverse(p, s, RESTART), transition, seeds),
            lambda: dense_inverse(transition, seeds, RESTART),
        )
    yield Comparison(
        "iterative against dense inverse, building P counted",
        nodes,
        lambda: dense_inverse(transition_matrix(features), seeds, RESTART),
        lambda: iterative_inverse(features, seeds, RESTART, TOLERANCE),
    )


def measure(comparison: Comparison, *, repeats: int, clock: Callable[[], float]) -> dict[str, object]:
    """Time both calls in turn; return one row of ratios.csv."""

    def seconds(call: Call) -> float:
        start = clock()
        call()
        return clock() - start

    pairs = [(seconds(comparison.reference), seconds(comparison.ours)) for _ in range(repeats + 1)][1:]
    ratio, low, high = median_interval([reference / ours for reference, ours in pairs])
    row: dict[str, object] = {"comparison": comparison.name, "nodes": comparison.nodes}
    row |= {"reference_ms": median_interval([1e3 * pair[0] for pair in pairs])[0]}
    row |= {"ours_ms": median_interval([1e3 * pair[1] for pair in pairs])[0]}
    return row | {"ratio": ratio, "ci_low": low, "ci_high": high, "repeats": repeats}


def floor(*, clock: Callable[[], float]) -> dict[str, object]:
    """Measure the machine: float32 matmul rate, exponential rate and memory bandwidth."""

    def best(call: Call) -> float:
        durations = []
        for _ in range(5):
            start = clock()
            call()
            durations.append(clock() - start)
        return min(durations)

    square = torch.randn(2048, 2048)
    tile = torch.randn(384, 384)
    large = torch.randn(8192, 8192)
    target = torch.empty_like(large)
    return {
        "matmul_gflops": 2 * 2048**3 / best(lambda: square @ square) / 1e9,
        "exp_per_ns": 200 * tile.numel() / best(lambda: [torch.exp(tile) for _ in range(200)]) / 1e9,
        "copy_gb_per_s": 2 * large.nbytes / best(lambda: target.copy_(large)) / 1e9,
    }


def measure_large(*, clock: Callable[[], float]) -> pd.DataFrame:
    """Time each solver once where a dense solve takes a minute (16,384 nodes) or P does not fit (65,536)."""
    rows = []
    for nodes in (16384, 65536):
        features, seeds = 0.3 * torch.randn(1, EMBEDDING, nodes), torch.randn(1, CLASSES, nodes)
        start = clock()
        solution = iterative_solve(features, seeds, RESTART, TOLERANCE)
        facts = {"products": solution.products, "residual": solution.residual}
        rows.append({"solver": "iterative", "nodes": nodes, "seconds": clock() - start, **facts})
        if nodes == 16384:
            start = clock()
            dense_inverse(transition_matrix(features), seeds, RESTART)
            rows.append({"solver": "dense", "nodes": nodes, "seconds": clock() - start})
    return pd.DataFrame(rows)


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/operators"))
    parser.add_argument(
        "--nodes", type=int, nargs="*", default=[1024, 4225, 9216], help="sizes of the ratios"
    )
    parser.add_argument(
        "--grid", type=int, nargs="*", default=[256, 1024, 2304, 4225], help="sizes of the grid"
    )
    parser.add_argument("--classes", type=int, nargs="*", default=[21], help="classes of the grid")
    parser.add_argument("--large", action="store_true", help="16,384 and 65,536 nodes as well: large.csv")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    arguments = parser.parse_args()
    clock = time.perf_counter if arguments.clock == "wall" else time.process_time
    use_threads(arguments.threads)
    torch.manual_seed(0)
    arguments.out.mkdir(parents=True, exist_ok=True)
    labels = {"clock": arguments.clock, "threads": arguments.threads}

    rows = []
    for nodes in arguments.nodes:
        for comparison in comparisons(nodes):
            rows.append(measure(comparison, repeats=arguments.repeats, clock=clock) | labels)
            print(rows[-1], flush=True)
            pd.DataFrame(rows).to_csv(arguments.out / "ratios.csv", index=False)
    pd.DataFrame([floor(clock=clock) | labels]).to_csv(arguments.out / "floor.csv", index=False)

    features, seeds = 0.3 * torch.randn(1, EMBEDDING, 16384), torch.randn(1, CLASSES, 16384)
    peak = peak_memory(lambda: random_walk(features, seeds), "cpu")
    if peak is not None:
        print(f"fused walk at 16384 nodes: peak {peak / 1e6:.1f} MB, {peak / (4 * 16384**2):.1%} of N x N")

    if arguments.large:
        measure_large(clock=clock).assign(**labels).to_csv(arguments.out / "large.csv", index=False)
    if arguments.grid:
        grid = TimingConfig(
            nodes=arguments.grid, classes=arguments.classes, threads=arguments.threads, budget_s=60.0
        )
        timing = time_operators(grid)
        TIMING.write(timing, arguments.out / TIMING.name)
        GROWTH.write(fit_growth(timing), arguments.out / GROWTH.name)


if __name__ == "__main__":
    main()
