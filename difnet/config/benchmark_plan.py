"""What a start of the workflow runs, as a file: `results/<folder>/plan.json`, which all later stages read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from difnet.config.base_schema import Section
from difnet.config.digests import read_digested, write_digested
from difnet.config.errors import InputError
from difnet.config.freezing import RANDOM_VALUES_STAY, freezes_random_values, same_networks
from difnet.config.project import Project
from difnet.config.resolve import resolve_variant
from difnet.config.run_config import RunConfig, training_steps
from difnet.config.run_folder import RunFolder
from difnet.config.schema import (
    BenchmarkConfig,
    DataConfig,
    EvaluateConfig,
    LimitsConfig,
    TimingConfig,
)
from difnet.config.selection import Selection, read_selection
from difnet.config.variants import (
    Assignments,
    ablation_of,
    described,
    select_sections,
    select_variants,
    sweep_points,
    unread_ablations,
)

PLAN = "plan.json"
FORMAT = 1


class PlannedVariant(Section):
    """One variant of a benchmark."""

    name: str
    title: str
    question: str
    expectation: str
    tags: tuple[str, ...]
    config: RunConfig
    """Of its first seed; the others differ in the seed alone."""

    @property
    def ablation(self) -> str:
        """The file of `ablations/` that it was made of."""
        return ablation_of(self.name)


class BenchmarkPlan(Section):
    """All runs of one folder of results."""

    format: Literal[1] = 1
    benchmark: str
    """Its file in `workflow/benchmarks/`."""
    folder: str
    """Its folder in `results/`: the benchmark's name, and after a `+` what `set` changes of its recipe."""
    title: str
    description: str
    selection: Selection
    """What it was made of, of this benchmark and others."""
    reference: str
    seeds: tuple[int, ...]
    looks: tuple[int, ...]
    """Numbers of seeds after which verdicts were planned."""
    data: DataConfig
    evaluate: EvaluateConfig
    timing: TimingConfig | Literal[False]
    variants: tuple[PlannedVariant, ...]
    """The reference first, then in the order of the benchmark; one whose weights others take before these."""
    sections: tuple[str, ...] = ()
    """Ablations of no runs, whose rules write sections of the report."""
    twins: dict[str, str] = Field(default_factory=dict)
    """Variants that are not run, since frozen they are the network of another; which one."""
    left_out: tuple[str, ...]
    """Lines for the user: what the limits leave out, which variants are one network, likely mistakes."""
    gpu_hours: float | None = None
    """Hours that its trainings may take on a GPU before a start asks for `yes`."""

    @property
    def command(self) -> str:
        """The command that plans the same runs."""
        return self.selection.command(self.benchmark)

    @property
    def timing_command(self) -> str:
        """The command that plans the same runs and times them."""
        return self.selection.model_copy(update={"timing": True}).command(self.benchmark)

    @property
    def ablations(self) -> list[str]:
        """Names of the files of `ablations/` behind its variants and sections."""
        return sorted({*(variant.ablation for variant in self.variants), *self.sections})

    @property
    def runs(self) -> list[RunConfig]:
        """The configuration of every run."""
        return [self.run(variant, seed) for variant in self.variants for seed in self.seeds]

    @property
    def first_runs(self) -> list[RunConfig]:
        """The run of each variant with the first seed."""
        return [variant.config for variant in self.variants]

    @property
    def sha256(self) -> str:
        """Hash of all that it says, but for the selection: several plan the same."""
        return hashlib.sha256(self.model_dump_json(exclude={"selection"}).encode()).hexdigest()

    def run(self, variant: PlannedVariant, seed: int) -> RunConfig:
        """The configuration of one run."""
        return variant.config.model_copy(update={"seed": seed})

    def run_folder(self, results: Path, variant: str, seed: int) -> RunFolder:
        """The folder of one run.

        Args:
            results: The folder that holds this benchmark's folder.
            variant: Name of the variant.
            seed: Seed of the run.
        """
        return RunFolder(results / self.folder / "runs" / variant / f"seed{seed}")

    def write(self, project: Project) -> Path:
        """Write `plan.json` and every run's configuration; what says the same already stays."""
        for variant in self.variants:
            sources = project.sources(variant.ablation, variant.config.model.diffusion)
            for seed in self.seeds:
                folder = self.run_folder(project.results, variant.name, seed)
                folder.write_config(self.run(variant, seed), sources)
        path = project.results / self.folder / PLAN
        write_digested(path, self.model_dump_json(indent=1) + "\n")
        return path


def read_plan(folder: Path) -> BenchmarkPlan:
    """The plan of a folder of results.

    Raises:
        InputError: If it holds none, or one that is damaged or of another version or program.
    """
    path = folder / PLAN
    try:
        content = read_digested(path)
    except FileNotFoundError as error:
        raise InputError(
            f"{path} does not exist: {folder} is no folder of results; write it with 'difnet plan BENCHMARK'"
        ) from error
    except InputError:
        raise
    except (OSError, ValueError):
        content = None
    if isinstance(content, dict):
        content.pop("sha256", None)
    try:
        return BenchmarkPlan.model_validate(content)
    except ValidationError as error:
        found = content.get("format") if isinstance(content, dict) else None
        kind = f"a plan of format {found}" if isinstance(found, int) and found != FORMAT else "not a plan"
        raise InputError(f"{path}: is {kind} of this version; write it again with 'difnet plan'") from error


@dataclass(frozen=True)
class Plan:
    """The outcome of `plan`."""

    benchmarks: dict[str, BenchmarkPlan]
    """By the name of the folder in `results/`."""
    selection: Selection
    """What it was made of."""
    left_out: list[str]
    """Lines for the user: what the limits leave out, which files of ablations/ cannot be read."""

    @property
    def ablations(self) -> list[str]:
        """Names of the files of `ablations/` behind the variants and sections of all benchmarks."""
        return sorted({name for part in self.benchmarks.values() for name in part.ablations})


def plan(project: Project, config: Mapping[str, Any]) -> Plan:
    """Everything that a start of the workflow runs, checked before any job starts.

    Args:
        project: Holds benchmarks and ablations.
        config: The keys of `Selection`, of which only `benchmarks` must be there.

    Raises:
        InputError: If a key, a benchmark, a selected ablation or an assignment is not valid.
    """
    selection = read_selection(config)
    for assignment in selection.set:
        if assignment.startswith("data."):
            raise InputError(f"set: {assignment}: the data are the benchmark's; write one of your own")
    planned = [_planned(project, name, selection) for name in dict.fromkeys(selection.benchmarks)]
    return Plan(
        benchmarks={part.folder: part for part in planned},
        selection=selection,
        left_out=[*unread_ablations(project), *(line for part in planned for line in part.left_out)],
    )


def _planned(project: Project, name: str, selection: Selection) -> BenchmarkPlan:
    benchmark = project.benchmark(name)
    claims = selection.claims_of(benchmark)
    benchmark = selection.of(benchmark, project.claims.variants(claims) if claims else None)
    try:
        sweep_points(benchmark.sweep)
    except InputError as error:
        place = "" if selection.sweep else f"{project.benchmark_file(name).place('sweep')}: "
        raise InputError(f"{place}{error}") from error
    selected = select_variants(project, benchmark)
    resolved = _resolved(project, name, benchmark, selected, selection.set)
    twins = same_networks(resolved)
    different = {variant: run for variant, run in resolved.items() if variant not in twins}
    kept = _within_limits(different, len(benchmark.seeds), benchmark.limits, name)
    missing = [variant for variant in different if variant not in kept]
    lines = [f"{name}: {twin} is left out: frozen, it is the network of {of}" for twin, of in twins.items()]
    if missing:
        lines.append(
            f"{name}: its limits leave out {len(missing)} of {len(different)} variants: {', '.join(missing)}"
        )
    if any(freezes_random_values(run) for run in different.values()):
        lines.append(f"{name}: {RANDOM_VALUES_STAY}")
    changed = selection.set and resolved != _resolved(project, name, benchmark, selected, ())
    return BenchmarkPlan(
        benchmark=name,
        folder=name + (selection.suffix if changed else ""),
        title=benchmark.title,
        description=benchmark.description,
        selection=selection,
        reference=benchmark.reference,
        seeds=benchmark.seeds,
        looks=benchmark.looks,
        data=benchmark.data,
        evaluate=resolved[benchmark.reference].evaluate,
        timing=benchmark.timing,
        variants=tuple(_variant(project, resolved[variant], selected[variant]) for variant in kept),
        sections=select_sections(project, benchmark),
        twins=twins,
        left_out=tuple(lines),
        gpu_hours=benchmark.limits.gpu_hours,
    )


def _resolved(
    project: Project,
    name: str,
    benchmark: BenchmarkConfig,
    variants: Mapping[str, Assignments],
    overrides: Sequence[str],
) -> dict[str, RunConfig]:
    """The configuration of every variant's first seed."""
    seed = benchmark.seeds[0]
    return {
        variant: resolve_variant(project, name, variant, swept, seed=seed, overrides=overrides)
        for variant, swept in variants.items()
    }


def _variant(project: Project, config: RunConfig, swept: Assignments) -> PlannedVariant:
    shown = described(project.ablation(ablation_of(config.variant)), swept)
    return PlannedVariant(
        name=config.variant,
        title=shown.title,
        question=shown.question,
        expectation=shown.expectation,
        tags=shown.tags,
        config=config,
    )


def _within_limits(
    resolved: Mapping[str, RunConfig], seeds: int, limits: LimitsConfig, benchmark: str
) -> list[str]:
    """The first variants whose runs, taken together, fit the limits."""
    kept: list[str] = []
    runs = steps = 0
    for variant, run in resolved.items():
        runs += seeds
        steps += seeds * training_steps(run)
        if runs > (limits.runs or runs) or steps > (limits.steps or steps):
            break
        kept.append(variant)
    if not kept:
        raise InputError(
            f"workflow/benchmarks/{benchmark}.yaml: the limits leave no room for the reference; it takes "
            f"{runs} runs and {steps} steps"
        )
    return kept
