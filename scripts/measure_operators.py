"""Measure the diffusion operators for docs/performance.md, on the features that networks have.

    python scripts/measure_operators.py --features real --out results/operators

writes walks.csv and walks.md (each level) and floor.csv, with `--solvers` ratios.csv, with `--large`
large.csv. Real features are the levels of networks at their start, drawn from seed 0, on images of `shapes`,
and of a trained run with `--trained RUN`; `--features random` takes N(0, 0.3^2). On a machine that does other
work at the same time, `--clock cpu --threads 1` compares processor time, which the neighbours hardly change.

Dimension letters: B batch, C classes, D embedding, N nodes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import pandas as pd
import scipy.linalg
import torch
from torch import Tensor

from difnet.config import Project, RunConfig, TimingConfig, resolve_run
from difnet.data import prepare
from difnet.diffusion import dense_inverse, iterative_inverse, iterative_solve, random_walk, transition_matrix
from difnet.diffusion.walk import attention_walk, walk_path
from difnet.timing.foreign_load import ForeignLoad
from difnet.timing.operator_inputs import Levels, random_levels, start_levels, trained_levels
from difnet.timing.protocol import median_interval
from difnet.training import use_threads

EMBEDDING, CLASSES, RESTART, TOLERANCE = 64, 21, 0.1, 1e-5
NETWORKS = ("difnet-nano", "difnet-18")
"""Whose levels at their start are the real features."""
SHORTEST_TURN = 0.02  # seconds

Call = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Two calls; the ratio is the time of the reference over the time of ours."""

    name: str
    nodes: int
    reference: Call
    ours: Call


def explicit_inverse(transition: Tensor, seeds: Tensor) -> Tensor:
    """Form the inverse, by SciPy, which is the fastest at it, then multiply."""
    system = torch.eye(transition.shape[-1]) - (1 - RESTART) * transition[0]
    inverse = torch.from_numpy(scipy.linalg.inv(system.numpy(), overwrite_a=True, check_finite=False))
    return RESTART * (seeds[0] @ inverse.mT)


def written_walk(features: Tensor, signal: Tensor) -> Tensor:
    """A walk as one would write it down, the baseline; (B, D, N), (B, C, N) -> (B, C, N)."""
    return signal @ torch.softmax(features.mT @ features, dim=-1).mT


def step(operator: Callable[[Tensor, Tensor], Tensor], left: Tensor, right: Tensor) -> Call:
    """Return forward and backward of an operator as one call."""

    def run() -> None:
        leaves = [left.detach().requires_grad_(), right.detach().requires_grad_()]
        torch.autograd.grad(operator(*leaves), leaves, torch.ones_like(right))

    return run


def feature_sources(kind: str, *, data: Path, trained: Path | None, batch: int) -> dict[str, Levels]:
    """The features to measure on, by name: number of nodes -> levels (B, D, N)."""
    if kind == "random":
        return {"random": random_levels(TimingConfig(batch=batch, embedding_dim=EMBEDDING))}
    runs = {name: _run(name) for name in NETWORKS}
    prepare(runs[NETWORKS[0]].data, data)
    found = {f"{name} at its start": start_levels(run, data=data, batch=batch) for name, run in runs.items()}
    if trained is not None:
        found[f"trained: {trained.parent.name}"] = trained_levels(trained, data=data, batch=batch)
    return {name: levels for name, levels in found.items() if levels is not None}


def _run(network: str) -> RunConfig:
    overrides = [f"model.name={network}", "model.weights=null"]
    return resolve_run(Project(), benchmark="shapes", ablation="cascade", seed=0, overrides=overrides)


def walk_row(
    features: Tensor, *, classes: int, backward: bool, repeats: int, clock: Callable[[], float], gflops: float
) -> dict[str, object]:
    """Time a walk on one level, forward or with backward, by each path in turn; one row of walks.csv.

    The floor is the time of the products that an exact walk cannot do without, at the rate of a large one:
    the logits by symmetry (N^2 D operations) and P h (2 N^2 C); backward, two products with the signal's
    gradient (4 N^2 C) and F times a symmetric matrix (2 N^2 D).

    Args:
        features: (B, D, N).
        classes: C.
        backward: Whether the backward pass counts.
        repeats: Rounds that count, after one that does not.
        clock: Seconds.
        gflops: Of a large product, as `floor` measures it.
    """
    batch, embedding, nodes = features.shape
    seeds = torch.randn(batch, classes, nodes)
    walks = {"plain": written_walk, "attention": attention_walk, "ours": random_walk}
    calls: dict[str, Call] = {
        name: step(walk, features, seeds) if backward else partial(walk, features, seeds)
        for name, walk in walks.items()
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    in_turn = 1
    for _ in range(repeats + 1):
        for name, call in calls.items():
            start = clock()
            for _ in range(in_turn):
                call()
            times[name].append((clock() - start) / in_turn)
        # one call of a short walk would time what the walk before it left in the caches
        in_turn = max(1, int(SHORTEST_TURN / min(taken[0] for taken in times.values())))
    rounds = list(zip(*(times[name][1:] for name in walks), strict=True))
    ratio, low, high = median_interval([min(plain, attention) / ours for plain, attention, ours in rounds])
    products = batch * nodes**2 * (embedding + 2 * classes) * (3 if backward else 1)
    least = 1e3 * products / (1e9 * gflops)
    ours = 1e3 * median_interval(times["ours"][1:])[0]
    return {
        "path": walk_path(features, wants_gradient=backward),
        "pass": "forward + backward" if backward else "forward",
        "plain_ms": 1e3 * median_interval(times["plain"][1:])[0],
        "attention_ms": 1e3 * median_interval(times["attention"][1:])[0],
        "ours_ms": ours,
        "ratio": ratio,
        "ci_low": low,
        "ci_high": high,
        "floor_ms": least,
        "over_floor": ours / least,
    }


def markdown(rows: list[dict[str, object]]) -> str:
    """The rows as a table for the documents."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    for row in rows:
        cells = (f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row.values())
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def comparisons(features: Tensor) -> Iterator[Comparison]:
    """Yield the comparisons of solvers on one level (B, D, N); those that form an inverse at small sizes."""
    nodes = features.shape[-1]
    seeds = torch.randn(features.shape[0], CLASSES, nodes)
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


def floor(*, clock: Callable[[], float]) -> dict[str, float]:
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

    def exponentials_per_ns(values: Tensor) -> float:
        return 100 * values.numel() / best(lambda: [torch.exp(values) for _ in range(100)]) / 1e9

    return {
        "matmul_gflops": 2 * 2048**3 / best(lambda: square @ square) / 1e9,
        "exp_per_ns": exponentials_per_ns(tile),
        "exp_to_zero_per_ns": exponentials_per_ns(tile - 200),
        "exp_to_denormal_per_ns": exponentials_per_ns(tile / 10 - 95),
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
    parser.add_argument("--features", choices=["real", "random"], default="real")
    parser.add_argument("--trained", type=Path, help="run directory whose levels are measured as well")
    parser.add_argument("--data", type=Path, default=Path("results/shapes/data"), help="prepared `shapes`")
    parser.add_argument("--out", type=Path, default=Path("results/operators"))
    parser.add_argument("--nodes", type=int, nargs="*", default=[336, 1271, 4225], help="sizes")
    parser.add_argument("--batch", type=int, nargs="*", default=[1])
    parser.add_argument("--classes", type=int, nargs="*", default=[CLASSES])
    parser.add_argument("--levels", type=int, nargs="*", default=[1, 2, 3, 4, 5], help="which ones, from 1")
    parser.add_argument("--solvers", action="store_true", help="the solvers as well, on the third level")
    parser.add_argument("--large", action="store_true", help="16,384 and 65,536 nodes as well: large.csv")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    given = parser.parse_args()
    clock = time.perf_counter if given.clock == "wall" else time.process_time
    use_threads(given.threads)
    torch.manual_seed(0)
    given.out.mkdir(parents=True, exist_ok=True)
    labels = {"clock": given.clock, "threads": given.threads}
    machine = floor(clock=clock)
    pd.DataFrame([machine | labels]).to_csv(given.out / "floor.csv", index=False)

    sources = feature_sources(given.features, data=given.data, trained=given.trained, batch=max(given.batch))
    walks, ratios = [], []
    load = ForeignLoad()
    for nodes in given.nodes:
        for name, of_size in sources.items():
            levels = of_size(nodes)
            for place, batch, classes, backward in product(
                given.levels, given.batch, given.classes, (False, True)
            ):
                labelled = {"features": name, "nodes": nodes, "level": place}
                walks.append(
                    labelled
                    | {"batch": batch, "classes": classes}
                    | walk_row(
                        levels[place - 1][:batch],
                        classes=classes,
                        backward=backward,
                        repeats=given.repeats,
                        clock=clock,
                        gflops=float(machine["matmul_gflops"]),
                    )
                )
                print(walks[-1], flush=True)
            for comparison in comparisons(levels[2][:1]) if given.solvers else ():
                row = measure(comparison, repeats=given.repeats, clock=clock)
                ratios.append({"features": name} | row | labels)
                print(ratios[-1], flush=True)
    pd.DataFrame(walks).assign(**labels).to_csv(given.out / "walks.csv", index=False)
    if ratios:
        pd.DataFrame(ratios).to_csv(given.out / "ratios.csv", index=False)
    (given.out / "walks.md").write_text(markdown(walks))
    print(f"other processes took {load.share():.0%} of the processors' time")

    if given.large:
        measure_large(clock=clock).assign(**labels).to_csv(given.out / "large.csv", index=False)


if __name__ == "__main__":
    main()
