"""The runs that a plan names, as far as they have come, and those that they took the place of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from difnet.config import PROTOCOL, BenchmarkPlan, InputError, PlannedVariant, RunConfig, RunFolder, load_run
from difnet.report.rows import read_rows
from difnet.tables import HISTORY, SCORES, HistoryRow


@dataclass(frozen=True)
class RunRecord:
    """One variant with one seed."""

    variant: str
    seed: int
    folder: Path
    config: str
    """The text of `config.yaml`, empty if there is none."""
    departure: str
    """The first key in which it is not the planned one, with both values, or what is damaged; empty where
    there is neither."""
    history: tuple[HistoryRow, ...]
    environment: dict[str, Any]
    sources: dict[str, str]
    """Text of its own ablation files by name."""
    trained: bool
    scored: bool
    last_said: str
    """The last line in the log of the stage that it has come to; empty where there is none."""
    failure: str
    """The same line where it tells of an error and the run is not scored."""

    @property
    def name(self) -> str:
        """Variant and seed."""
        return f"{self.variant} seed {self.seed}"

    @property
    def finished(self) -> bool:
        """Whether the planned run has been scored."""
        return self.scored and not self.departure

    @property
    def state(self) -> str:
        """How far the run has come."""
        if self.departure:
            return "not as planned"
        if self.scored:
            return "finished"
        return "trained, not scored" if self.trained else "not run"


@dataclass(frozen=True)
class VariantRuns:
    """One planned variant with its runs in the order of their seeds."""

    plan: PlannedVariant
    notes: tuple[str, ...]
    """What a reader must know before comparing it."""
    runs: tuple[RunRecord, ...]

    @property
    def name(self) -> str:
        """Its name in files."""
        return self.plan.name

    @property
    def title(self) -> str:
        """What readers see."""
        return self.plan.title

    @property
    def sees_truth(self) -> bool:
        """Whether it starts from true labels, so that its scores are not a network's."""
        return self.plan.config.evaluate.oracle_seeds is not None

    @property
    def finished(self) -> int:
        """Number of finished runs."""
        return sum(run.finished for run in self.runs)


@dataclass(frozen=True)
class ReplacedRun:
    """A finished run, or its scores alone, that another one took the place of."""

    path: Path
    name: str
    """Variant, seed and identity: its folder below `replaced/`."""
    steps: int | None
    """None where only the scores were replaced."""
    miou: float
    """Nan where it was not scored."""


def read_variants(folder: Path, plan: BenchmarkPlan, problems: list[str]) -> tuple[VariantRuns, ...]:
    """The planned runs of a benchmark, whatever else lies in its folder.

    Args:
        folder: Results of the benchmark.
        plan: Its plan.
        problems: Takes a remark for each damaged file.

    Raises:
        InputError: If the plan was edited and lost its reference.
    """
    planned = {variant.name: variant for variant in plan.variants}
    if plan.reference not in planned:
        raise InputError(f"{folder}: no planned variant is the reference {plan.reference}; plan it again")
    titles = {variant.name: variant.title for variant in plan.variants}
    return tuple(
        VariantRuns(
            plan=variant,
            notes=tuple(_notes(variant.config, planned[plan.reference].config, titles)),
            runs=tuple(
                _record(folder / "runs" / variant.name / f"seed{seed}", plan.run(variant, seed), problems)
                for seed in plan.seeds
            ),
        )
        for variant in plan.variants
    )


def read_replaced(folder: Path) -> tuple[ReplacedRun, ...]:
    """The runs in `replaced/` of a benchmark's folder, by variant and seed."""
    replaced = folder / "replaced"
    found = []
    for path in sorted(replaced.glob("*/*/*/")):
        scores = read_rows(SCORES, path, [])
        miou = [row.value for row in scores if row.metric == "miou" and not row.class_]
        try:
            steps = load_run(path).train.steps
        except InputError:
            steps = None
        name = path.relative_to(replaced).as_posix()
        found.append(ReplacedRun(path, name, steps, miou[0] if miou else math.nan))
    return tuple(found)


def _record(folder: Path, planned: RunConfig, problems: list[str]) -> RunRecord:
    """A run; a history or environment that is missing is shown beside the run and needs no remark."""
    config = folder / "config.yaml"
    trained, scored = RunFolder(folder).finished, RunFolder(folder).scored
    last_said, failed = _log_end(folder, "evaluate" if trained else "train")
    failure = last_said if failed and not scored else ""
    if failure:
        problems.append(f"{planned.variant} seed {planned.seed} failed: {failure}")
    sources = sorted(path for path in (folder / "ablation").glob("*") if path.suffix in {".yaml", ".py"})
    return RunRecord(
        variant=planned.variant,
        seed=planned.seed,
        folder=folder,
        config=_text(config) if config.is_file() else "",
        departure=_departure(folder, planned) if config.is_file() else "",
        history=tuple(read_rows(HISTORY, folder, problems)) if (folder / HISTORY.name).is_file() else (),
        environment=_environment(folder, problems),
        sources={path.name: _text(path) for path in sources},
        trained=trained,
        scored=scored,
        last_said=last_said,
        failure=failure,
    )


def _log_end(folder: Path, stage: str) -> tuple[str, bool]:
    """The last line in the log of a stage of a run, and whether it tells of an error."""
    log = folder.parents[2] / "logs" / stage / folder.parent.name / f"{folder.name}.log"
    text = _text(log).strip() if log.is_file() else ""
    last = text.rpartition("\n")[2]
    return last, last.startswith("difnet: ") or "Traceback" in text


def _environment(folder: Path, problems: list[str]) -> dict[str, Any]:
    try:
        return RunFolder(folder).record()
    except InputError as error:
        problems.append(str(error))
        return {}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _departure(folder: Path, planned: RunConfig) -> str:
    try:
        stored = load_run(folder)
    except InputError as error:
        return str(error)
    if (stored.variant, stored.seed) != (planned.variant, planned.seed):
        return f"it is of {stored.variant} seed {stored.seed}"
    return stored.difference(planned) or ""


def _notes(own: RunConfig, reference: RunConfig, titles: dict[str, str]) -> list[str]:
    notes = []
    if own.weights_of:
        notes.append(f"not trained: weights of {titles.get(own.weights_of, own.weights_of)}")
    if (oracle := own.evaluate.oracle_seeds) is not None:
        amount = f"{oracle} of the pixels" if isinstance(oracle, str) else f"{oracle} a region"
        notes.append(f"oracle: true labels as seeds, {amount}")
    pairs = ((key, getattr(own.evaluate, key), getattr(reference.evaluate, key)) for key in PROTOCOL)
    notes += [f"scored with evaluate.{key} = {value}" for key, value, other in pairs if value != other]
    if own.variant != reference.variant and _same(own, reference):
        notes.append("same configuration as the reference here")
    return notes


def _same(first: RunConfig, second: RunConfig) -> bool:
    """Whether two variants differ in nothing that changes a score."""
    parts = ("model", "train", "evaluate", "weights_of", "diffusion_sha256")
    return all(getattr(first, part) == getattr(second, part) for part in parts)
