"""The variants of a benchmark and their runs, finished or not."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from difnet.config import (
    PROTOCOL,
    AblationConfig,
    BenchmarkConfig,
    InputError,
    RunConfig,
    load_run,
    load_variant,
    resolve_run,
    select_ablations,
)
from difnet.report.files import read_json, read_table


@dataclass(frozen=True)
class Run:
    """One variant trained with one seed."""

    variant: str
    seed: int
    folder: Path
    config: str
    """The text of `config.yaml`, empty if there is none."""
    history: pd.DataFrame
    environment: dict[str, Any]
    scored: bool
    current: bool
    """Whether it was trained as the benchmark and the ablation now say."""

    @property
    def state(self) -> str:
        """How far the run has come."""
        if self.scored:
            return "finished"
        return "started, not scored" if self.config else "not run"


@dataclass(frozen=True)
class Variant:
    """One ablation in a benchmark, with its runs in the order of their seeds."""

    name: str
    ablation: AblationConfig
    resolved: RunConfig | None
    """The configuration of its first seed; None where it cannot be resolved."""
    notes: tuple[str, ...]
    """What a reader must know before comparing it."""
    runs: tuple[Run, ...]

    @property
    def title(self) -> str:
        """What readers see."""
        return self.ablation.title

    @property
    def sees_truth(self) -> bool:
        """Whether it starts from true labels, so that its scores are not a network's."""
        return self.resolved is not None and self.resolved.evaluate.oracle_seeds is not None

    @property
    def finished(self) -> int:
        """Number of runs with scores."""
        return sum(run.scored for run in self.runs)


@dataclass(frozen=True)
class VariantLoader:
    """Reads the variants of one benchmark."""

    root: Path
    """The project's folder."""
    folder: Path
    """Results of the benchmark."""
    config: BenchmarkConfig
    assignments: tuple[str, ...] = ()
    """Assignments such as `train.steps=100` that every run was made with."""

    def load(self) -> tuple[Variant, ...]:
        """The variants that the benchmark selects, the reference first, and any other that has runs."""
        reference = self._resolved(self.config.reference)
        return tuple(self._variant(name, reference) for name in self._names())

    def _names(self) -> list[str]:
        try:
            planned = select_ablations(self.root, self.config)
        except InputError:
            planned = []
        found = sorted(path.name for path in (self.folder / "runs").glob("*") if path.is_dir())
        return list(dict.fromkeys([self.config.reference, *planned, *found]))

    def _variant(self, name: str, reference: RunConfig | None) -> Variant:
        resolved = self._resolved(name)
        return Variant(
            name=name,
            ablation=self._ablation(name),
            resolved=resolved,
            notes=self._notes(resolved, reference),
            runs=tuple(self._run(name, seed) for seed in self._seeds(name)),
        )

    def _ablation(self, name: str) -> AblationConfig:
        """What its file says; the bare name for a variant that has runs but no file any more."""
        try:
            return load_variant(self.root, self.config, name)
        except InputError:
            return AblationConfig(title=name, question="")

    def _resolved(self, name: str) -> RunConfig | None:
        """The configuration that the first seed was made with, or else would be made with."""
        seed = self.config.seeds[0]
        with suppress(InputError):
            return load_run(self.folder / "runs" / name / f"seed{seed}")
        try:
            return self._planned(name, seed)
        except InputError:
            return None

    def _planned(self, name: str, seed: int) -> RunConfig:
        return resolve_run(
            self.root, benchmark=self.folder.name, ablation=name, seed=seed, overrides=self.assignments
        )

    def _notes(self, own: RunConfig | None, reference: RunConfig | None) -> tuple[str, ...]:
        if own is None:
            return ()
        notes = []
        if own.weights_of:
            notes.append(f"not trained: weights of {self._ablation(own.weights_of).title}")
        if (oracle := own.evaluate.oracle_seeds) is not None:
            amount = f"{oracle} of the pixels" if isinstance(oracle, str) else f"{oracle} a region"
            notes.append(f"oracle: true labels as seeds, {amount}")
        if reference is not None:
            notes += [f"scored with {change}" for change in _protocol_changes(own, reference)]
            if own.variant != reference.variant and _same(own, reference):
                notes.append("same configuration as the reference here")
        return tuple(notes)

    def _seeds(self, name: str) -> list[int]:
        """The planned and the found ones."""
        suffixes = [path.name.removeprefix("seed") for path in (self.folder / "runs" / name).glob("seed*")]
        return sorted({*self.config.seeds, *(int(suffix) for suffix in suffixes if suffix.isdecimal())})

    def _run(self, name: str, seed: int) -> Run:
        """A run; a history or environment that is missing is shown beside the run, so it needs no remark."""
        folder = self.folder / "runs" / name / f"seed{seed}"
        config = folder / "config.yaml"
        return Run(
            variant=name,
            seed=seed,
            folder=folder,
            config=config.read_text(encoding="utf-8", errors="replace") if config.is_file() else "",
            history=read_table(folder / "history.csv", []),
            environment=read_json(folder / "environment.json", []),
            scored=(folder / "scores.csv").is_file(),
            current=self._is_current(folder),
        )

    def _is_current(self, folder: Path) -> bool:
        """Whether a run was made as its benchmark and ablation now say; true where that is not known."""
        try:
            stored = load_run(folder)
            planned = self._planned(stored.variant, stored.seed)
        except InputError:
            return True
        return stored.training_identity() == planned.training_identity()


def _protocol_changes(own: RunConfig, reference: RunConfig) -> list[str]:
    """How the images of a variant are predicted in another way than those of the reference."""
    pairs = ((key, getattr(own.evaluate, key), getattr(reference.evaluate, key)) for key in PROTOCOL)
    return [f"evaluate.{key} = {value}" for key, value, other in pairs if value != other]


def _same(first: RunConfig, second: RunConfig) -> bool:
    """Whether two variants differ in nothing that changes a score."""
    parts = ("model", "train", "evaluate", "weights_of", "diffusion_sha256")
    return all(getattr(first, part) == getattr(second, part) for part in parts)
