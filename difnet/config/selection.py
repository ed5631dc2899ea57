"""Which variants a benchmark compares."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from difnet.config.catalogue import ablation_tags, load_ablation
from difnet.config.errors import InputError
from difnet.config.files import nearest
from difnet.config.lineage import weights_of
from difnet.config.schema import AblationConfig, BenchmarkConfig
from difnet.config.sweep import ablation_of, assignments_of, describe, sweep_points


def select_ablations(root: Path, benchmark: BenchmarkConfig) -> list[str]:
    """The variants of a benchmark, the reference first.

    They are the ablations that it selects by name, tag or glob; before each one those whose weights it takes,
    after each one that is trained its swept variants. Of files that are not selected only the tags are read.

    Raises:
        InputError: If a selector matches nothing, a selected ablation is not valid, or the reference is not
            among the selected.
    """
    names = match_ablations(root, benchmark.ablations)
    points = sweep_points(benchmark)
    variants: dict[str, None] = {}
    for name in names:
        sources = _weights_sources(root, name)
        for trained in [*sources, name]:
            variants[trained] = None
        if not sources:
            variants |= dict.fromkeys(f"{name}@{point}" for point in points)
    if benchmark.reference not in variants:
        raise InputError(
            f"the reference '{benchmark.reference}' is not selected; selected are {', '.join(variants)}"
        )
    first = [*_weights_sources(root, ablation_of(benchmark.reference)), benchmark.reference]
    return list(dict.fromkeys([*first, *variants]))


def with_selection(
    benchmark: BenchmarkConfig, ablations: tuple[str, ...] = (), seeds: tuple[int, ...] = ()
) -> BenchmarkConfig:
    """A benchmark with other ablations (beside its reference) or seeds; with its own where none are given."""
    changes: dict[str, object] = {}
    if ablations:
        changes["ablations"] = (ablation_of(benchmark.reference), *ablations)
    if seeds:
        changes["seeds"] = seeds
    return benchmark.model_copy(update=changes)


def match_ablations(root: Path, selectors: tuple[str, ...]) -> list[str]:
    """Names of the ablations that have one of these names or tags, or match one of these globs.

    Raises:
        InputError: If a selector matches nothing.
    """
    tags = ablation_tags(root)
    selected: list[str] = []
    for selector in selectors:
        matches = [name for name in tags if fnmatchcase(name, selector) or selector in (tags[name] or ())]
        if not matches:
            known = sorted({*tags, *(tag for group in tags.values() for tag in group or ())})
            raise InputError(f"no ablation has the name or tag '{selector}'{nearest(selector, known)}")
        selected += [name for name in matches if name not in selected]
    return selected


def unread_ablations(root: Path) -> list[str]:
    """A line for each ablation whose tags cannot be read, so that it is selected by its name alone."""
    lines: list[str] = []
    for name, tags in ablation_tags(root).items():
        if tags is None:
            try:
                load_ablation(root, name)
            except InputError as error:
                lines.append(f"{error}; until then it is selected by its name alone, not by its tags")
    return lines


def load_variant(root: Path, benchmark: BenchmarkConfig, variant: str) -> AblationConfig:
    """Title, question and tags of a variant; those of a swept one name the values.

    Raises:
        InputError: If the ablation or the variant does not exist or is not valid.
    """
    ablation = load_ablation(root, ablation_of(variant))
    assignments = assignments_of(benchmark, variant)
    if not assignments:
        return ablation
    values = describe(assignments)
    question = f"What does {values} change in '{ablation.title}'?"
    return ablation.model_copy(
        update={"title": f"{ablation.title}, {values}", "question": question, "expectation": ""}
    )


def _weights_sources(root: Path, name: str) -> list[str]:
    """The ablations that must be trained before an evaluation-only one, in the order of their training."""
    source = weights_of(root, name)
    return [*_weights_sources(root, source), source] if source else []
