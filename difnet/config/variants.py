"""The variants that a benchmark compares: its ablations, and what a sweep makes of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

from difnet.config.errors import InputError
from difnet.config.project import Project
from difnet.config.run_config import RunConfig
from difnet.config.schema import AblationConfig, BenchmarkConfig
from difnet.config.suggestions import dotted_keys, nearest, nearest_key

SWEPT_SECTIONS = ("model.", "train.", "evaluate.")
"""Not the data, which all variants share, and not the seed, which is an axis of its own."""
_VALUE = re.compile(r"[A-Za-z0-9_.+%-]+")

Assignments = dict[str, Any]
"""Values by dotted key: `{"model.restart": 0.1}`."""


def select_variants(project: Project, benchmark: BenchmarkConfig) -> dict[str, Assignments]:
    """The variants of a benchmark with the values that its sweep sets, the reference first.

    They are the ablations with runs that it selects by name, tag or glob; before each one those whose weights
    it takes, after each one that is trained its swept variants `NAME@key=value`. Of files that are not
    selected only the tags are read.

    Raises:
        InputError: If a selector matches nothing, a selected ablation is not valid, the sweep is not, or the
            reference is not among the selected.
    """
    points = sweep_points(benchmark.sweep)
    variants: dict[str, Assignments] = {}
    for name in match_ablations(project, benchmark.ablations):
        if not project.ablation(name).runs:
            continue
        sources = _weights_sources(project, name)
        variants |= {trained: {} for trained in (*sources, name) if trained not in variants}
        if not sources:
            variants |= {f"{name}@{text}": point for text, point in points.items()}
    if benchmark.reference not in variants:
        raise InputError(
            f"the reference '{benchmark.reference}' is not selected; selected are {', '.join(variants)}"
        )
    first = [*_weights_sources(project, ablation_of(benchmark.reference)), benchmark.reference]
    return {name: variants[name] for name in dict.fromkeys([*first, *variants])}


def select_sections(project: Project, benchmark: BenchmarkConfig) -> tuple[str, ...]:
    """The selected ablations that have no runs, whose rules only read results.

    Raises:
        InputError: If one is not valid, or has no rules.
    """
    names = [
        name for name in match_ablations(project, benchmark.ablations) if not project.ablation(name).runs
    ]
    for name in names:
        if not project.rules_file(name).is_file():
            place = project.ablation_file(name).place("runs")
            raise InputError(f"{place}: without runs it needs rules; write ablations/{name}.smk")
    return tuple(names)


def match_ablations(project: Project, selectors: Sequence[str]) -> list[str]:
    """Names of the ablations that have one of these names or tags, or match one of these globs.

    Raises:
        InputError: If a selector matches nothing.
    """
    tags = project.tags()
    selected: dict[str, None] = {}
    for selector in selectors:
        matches = [name for name in tags if fnmatchcase(name, selector) or selector in (tags[name] or ())]
        if not matches:
            known = sorted({*tags, *(tag for group in tags.values() for tag in group or ())})
            raise InputError(f"no ablation has the name or tag '{selector}'{nearest(selector, known)}")
        selected |= dict.fromkeys(matches)
    return list(selected)


def unread_ablations(project: Project) -> list[str]:
    """A line for each ablation whose tags cannot be read, so that it is selected by its name alone."""
    lines: list[str] = []
    for name, tags in project.tags().items():
        if tags is None:
            try:
                project.ablation(name)
            except InputError as error:
                lines.append(f"{error}; until then it is selected by its name alone, not by its tags")
    return lines


def ablation_of(variant: str) -> str:
    """The ablation that a variant was made of: `cascade` of `cascade@restart=0.1`."""
    return variant.partition("@")[0]


def values_of(variant: str) -> str:
    """The swept values of a variant in its name: `restart=0.1` of `cascade@restart=0.1`; none: empty."""
    return variant.partition("@")[2]


def same_values(variants: Sequence[str], reference: str) -> list[tuple[str, str]]:
    """Each variant with the reference at its swept values, where these are not the reference's own.

    `cascade@skip=1` with `deeplab@skip=1`; `cascade` with `deeplab`, if `deeplab@skip=0` is the reference.
    """
    pairs = []
    for variant in variants:
        other = ablation_of(reference) + variant.removeprefix(ablation_of(variant))
        if other in variants and other not in (variant, reference):
            pairs.append((variant, other))
    return pairs


def assignments_of(benchmark: BenchmarkConfig, variant: str) -> Assignments:
    """The values that a swept variant sets; none for an ablation as it is.

    Raises:
        InputError: If the benchmark makes no such variant.
    """
    _, swept, text = variant.partition("@")
    if not swept:
        return {}
    points = sweep_points(benchmark.sweep)
    if text not in points:
        remedy = nearest(text, list(points)) if points else "; the benchmark sweeps nothing"
        raise InputError(f"unknown variant '{variant}'{remedy}")
    return points[text]


def described(ablation: AblationConfig, assignments: Assignments) -> AblationConfig:
    """Title, question and tags of a variant; those of a swept one name the values."""
    if not assignments:
        return ablation
    names = _short_names(list(assignments))
    values = ", ".join(f"{names[key]} = {_text(key, value)}" for key, value in assignments.items())
    return ablation.model_copy(
        update={
            "title": f"{ablation.title}, {values}",
            "question": f"What does {values} change in '{ablation.title}'?",
            "expectation": "",
        }
    )


def sweep_points(sweep: Mapping[str, Sequence[Any]]) -> dict[str, Assignments]:
    """Every combination of the swept values, by the text that names it.

    Returns:
        `{"restart=0.1": {"model.restart": 0.1}, ...}`; nothing where no key is swept.

    Raises:
        InputError: If a key cannot be swept, or a value cannot be part of a name.
    """
    known = [key for key in dotted_keys(RunConfig) if key.startswith(SWEPT_SECTIONS)]
    for key, values in sweep.items():
        if key not in known:
            raise InputError(f"sweep: '{key}' cannot be swept{nearest_key(key, known)}")
        if not values:
            raise InputError(f"sweep: '{key}' has no values")
    if not sweep:
        return {}
    names = _short_names(list(sweep))
    points: dict[str, Assignments] = {}
    for values in product(*sweep.values()):
        assignments = dict(zip(sweep, values, strict=True))
        text = ",".join(f"{names[key]}={_text(key, value)}" for key, value in assignments.items())
        if text in points:
            raise InputError(f"sweep: '{text}' is there twice")
        points[text] = assignments
    return points


def nested(assignments: Mapping[str, Any]) -> dict[str, Any]:
    """`{"model.restart": 0.1}` as `{"model": {"restart": 0.1}}`."""
    values: dict[str, Any] = {}
    for key, value in assignments.items():
        *sections, last = key.split(".")
        section = values
        for name in sections:
            section = section.setdefault(name, {})
        section[last] = value
    return values


def _weights_sources(project: Project, name: str) -> list[str]:
    """The ablations that must be trained before an evaluation-only one, in the order of their training."""
    source = project.weights_of(name)
    return [*_weights_sources(project, source), source] if source else []


def _short_names(keys: list[str]) -> dict[str, str]:
    """The last part of each dotted key where that is unique, else the whole key."""
    count = Counter(key.rpartition(".")[2] for key in keys)
    return {key: last if count[last := key.rpartition(".")[2]] == 1 else key for key in keys}


def _text(key: str, value: object) -> str:
    """A value as part of the name of a variant."""
    if isinstance(value, list):
        return "+".join(_text(key, item) for item in value)
    text = str(value).lower() if value is None or isinstance(value, bool) else str(value)
    text = text.rpartition("/")[2]  # of a path, and of timm/NAME
    if not _VALUE.fullmatch(text):
        raise InputError(f"sweep: '{key}' cannot take {value!r}, which would become part of a folder's name")
    return text
