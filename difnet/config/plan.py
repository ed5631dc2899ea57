"""What a start of the workflow runs: benchmarks, their variants and the configuration of every run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt

from difnet.config.catalogue import load_benchmark
from difnet.config.errors import InputError
from difnet.config.files import validate
from difnet.config.resolve import resolve_run
from difnet.config.schema import BenchmarkConfig, LimitsConfig, RunConfig, Section
from difnet.config.selection import select_ablations, unread_ablations, with_selection
from difnet.config.sweep import ablation_of

Runs = dict[tuple[str, str, str], RunConfig]


def _as_list(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else [value]


class Selection(Section):
    """Keys of `workflow/config.yaml`, which `snakemake --config` may change."""

    benchmarks: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
    ablations: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Names, tags or globs that replace the selection of every benchmark, beside its reference."""
    seeds: Annotated[tuple[NonNegativeInt, ...], BeforeValidator(_as_list)] = ()
    """Seeds that replace those of every benchmark."""
    set: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Assignments such as `train.steps=100`, applied to every run."""
    processes: PositiveInt = 1
    """Processes of every training, each with a GPU of its own where there are any."""


@dataclass(frozen=True)
class Plan:
    """The outcome of `plan`."""

    benchmarks: dict[str, BenchmarkConfig]
    """By name, with the ablations and seeds of this selection in place of the file's."""
    runs: Runs
    """By benchmark, variant and seed (all strings); the reference of a benchmark first."""
    left_out: list[str]
    """Lines for the user: what the limits leave out, which files of ablations/ cannot be read."""
    assignments: str
    """Options of `difnet train` that repeat the assignments: `--set train.steps=100`, or nothing."""
    options: str
    """Options of `difnet time` that repeat all but the benchmarks."""
    processes: int
    """Processes of every training."""

    def variants(self, benchmark: str) -> list[str]:
        """Variants of a benchmark that run, the reference first."""
        return list(dict.fromkeys(variant for name, variant, _ in self.runs if name == benchmark))

    def first_runs(self, benchmark: str) -> list[RunConfig]:
        """The run of each variant with the first seed of a benchmark, that of the reference first."""
        seed = str(self.benchmarks[benchmark].seeds[0])
        return [self.runs[benchmark, variant, seed] for variant in self.variants(benchmark)]

    @property
    def ablations(self) -> list[str]:
        """Names of the files of `ablations/` behind the variants of all benchmarks."""
        return sorted({ablation_of(variant) for _, variant, _ in self.runs})


def plan(root: Path, config: Mapping[str, Any]) -> Plan:
    """Everything that a start of the workflow runs, checked before any job starts.

    Args:
        root: The project's folder.
        config: The keys of `Selection`, of which only `benchmarks` must be there.

    Raises:
        InputError: If a key, a benchmark, a selected ablation or an assignment is not valid.
    """
    selection = validate(Selection, dict(config), "workflow/config.yaml or --config")
    benchmarks: dict[str, BenchmarkConfig] = {}
    runs: Runs = {}
    left_out = unread_ablations(root)
    for assignment in selection.set:
        if assignment.startswith("data."):
            raise InputError(f"set: {assignment}: the data are the benchmark's; write one of your own")
    for name in selection.benchmarks:
        benchmark = with_selection(load_benchmark(root, name), selection.ablations, selection.seeds)
        benchmarks[name] = benchmark
        by_variant = {
            variant: _runs(root, name, variant, benchmark.seeds, selection.set)
            for variant in select_ablations(root, benchmark)
        }
        kept = _within_limits(by_variant, benchmark.limits, name)
        runs |= {(name, run.variant, str(run.seed)): run for variant in kept for run in by_variant[variant]}
        if missing := [variant for variant in by_variant if variant not in kept]:
            count = f"{len(missing)} of {len(by_variant)} variants"
            left_out.append(f"{name}: its limits leave out {count}: {', '.join(missing)}")
    assignments = [option for assignment in selection.set for option in ("--set", assignment)]
    selected = [option for selector in selection.ablations for option in ("--ablation", selector)]
    seeds = [option for seed in selection.seeds for option in ("--seed", str(seed))]
    return Plan(
        benchmarks=benchmarks,
        runs=runs,
        left_out=left_out,
        assignments=shlex.join(assignments),
        options=shlex.join([*selected, *seeds, *assignments]),
        processes=selection.processes,
    )


def _runs(
    root: Path, benchmark: str, variant: str, seeds: Sequence[int], assignments: Sequence[str]
) -> list[RunConfig]:
    """The runs of a variant, which differ in their seed alone."""
    run = resolve_run(root, benchmark=benchmark, ablation=variant, seed=seeds[0], overrides=assignments)
    return [run.model_copy(update={"seed": seed}) for seed in seeds]


def _within_limits(by_variant: dict[str, list[RunConfig]], limits: LimitsConfig, benchmark: str) -> list[str]:
    """The first variants whose runs, taken together, fit the limits."""
    kept: list[str] = []
    runs = steps = 0
    for variant, seeds in by_variant.items():
        runs += len(seeds)
        steps += sum(training_steps(run) for run in seeds)
        if runs > (limits.runs or runs) or steps > (limits.steps or steps):
            break
        kept.append(variant)
    if not kept:
        raise InputError(
            f"workflow/benchmarks/{benchmark}.yaml: the limits leave no room for the reference; it takes "
            f"{runs} runs and {steps} steps"
        )
    return kept


def training_steps(run: RunConfig) -> int:
    """Steps that a run trains: none where it takes the weights of another, or counts pixels."""
    return 0 if run.weights_of or run.model.name == "pixel_prior" else run.train.steps
