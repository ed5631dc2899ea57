"""Sweeps: the variants `NAME@key=value` that a benchmark makes of an ablation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import product
from typing import Any

from difnet.config.errors import InputError
from difnet.config.files import dotted_keys, nearest
from difnet.config.schema import BenchmarkConfig, RunConfig

SWEPT_SECTIONS = ("model.", "train.", "evaluate.")
"""Not the data, which all variants share, and not the seed, which is an axis of its own."""
_VALUE = re.compile(r"[A-Za-z0-9_.+%-]+")

Assignments = dict[str, Any]


def sweep_points(benchmark: BenchmarkConfig) -> dict[str, Assignments]:
    """Every combination of the swept values, by the text that names it.

    Returns:
        `{"restart=0.1": {"model.restart": 0.1}, ...}`; nothing where the benchmark sweeps no key.

    Raises:
        InputError: If a key cannot be swept, or a value cannot be part of a name.
    """
    known = [key for key in dotted_keys(RunConfig) if key.startswith(SWEPT_SECTIONS)]
    for key, values in benchmark.sweep.items():
        if key not in known:
            raise InputError(f"sweep: '{key}' cannot be swept{nearest(key, known)}")
        if not values:
            raise InputError(f"sweep: '{key}' has no values")
    if not benchmark.sweep:
        return {}
    names = _short_names(list(benchmark.sweep))
    points: dict[str, Assignments] = {}
    for point in product(*benchmark.sweep.values()):
        assignments = dict(zip(benchmark.sweep, point, strict=True))
        name = ",".join(f"{names[key]}={_text(key, value)}" for key, value in assignments.items())
        if name in points:
            raise InputError(f"sweep: '{name}' is there twice")
        points[name] = assignments
    return points


def ablation_of(variant: str) -> str:
    """The ablation that a variant was made of: `cascade` of `cascade@restart=0.1`."""
    return variant.partition("@")[0]


def assignments_of(benchmark: BenchmarkConfig, variant: str) -> Assignments:
    """The values that a swept variant sets; none for an ablation as it is.

    Raises:
        InputError: If the benchmark makes no such variant.
    """
    _, swept, name = variant.partition("@")
    if not swept:
        return {}
    points = sweep_points(benchmark)
    if name not in points:
        remedy = nearest(name, list(points)) if points else "; the benchmark sweeps nothing"
        raise InputError(f"unknown variant '{variant}'{remedy}")
    return points[name]


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


def describe(assignments: Assignments) -> str:
    """The values of a swept variant for a reader: `restart = 0.1, skip = 0`."""
    names = _short_names(list(assignments))
    return ", ".join(f"{names[key]} = {_text(key, value)}" for key, value in assignments.items())


def _short_names(keys: list[str]) -> dict[str, str]:
    """The last part of each dotted key where that is unique, else the whole key."""
    count = Counter(key.rpartition(".")[2] for key in keys)
    return {key: last if count[last := key.rpartition(".")[2]] == 1 else key for key in keys}


def _text(key: str, value: object) -> str:
    """A value as part of the name of a variant."""
    if isinstance(value, list):
        return "+".join(_text(key, item) for item in value)
    text = str(value).lower() if value is None or isinstance(value, bool) else str(value)
    if not _VALUE.fullmatch(text):
        raise InputError(f"sweep: '{key}' cannot take {value!r}, which would become part of a folder's name")
    return text
