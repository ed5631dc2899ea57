"""Benchmark + ablation + seed -> the resolved configuration of one run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from difnet.config.catalogue import load_ablation, load_benchmark
from difnet.config.errors import InputError
from difnet.config.files import read_yaml, validate
from difnet.config.schema import RunConfig

SECTIONS = ("data", "model", "train", "evaluate")
CHANGED_BY_ABLATIONS = ("model", "train", "evaluate")
"""Not the data: every variant of a benchmark sees the same images."""


def resolve_run(
    root: Path, *, benchmark: str, ablation: str, seed: int, overrides: Sequence[str] = ()
) -> RunConfig:
    """The configuration of one run: the benchmark's values, changed by the ablation and what it extends.

    Args:
        root: The project's folder.
        benchmark: Name of the benchmark.
        ablation: Name of the ablation; it becomes the name of the variant.
        seed: Seed of the run.
        overrides: Assignments such as `train.steps=120`, applied last.

    Raises:
        InputError: If a file or an override is not valid, with its name and the remedy.
    """
    defaults = load_benchmark(root, benchmark)
    values: dict[str, Any] = {"benchmark": benchmark, "variant": ablation, "seed": seed}
    values |= {section: getattr(defaults, section).model_dump(mode="json") for section in SECTIONS}
    for name in reversed(_lineage(root, ablation)):
        changes = load_ablation(root, name)
        values = _merge(values, {section: getattr(changes, section) for section in CHANGED_BY_ABLATIONS})
        validate(RunConfig, values, Path("ablations") / f"{name}.yaml")
    for override in overrides:
        values = _merge(values, _assignment(override))
        validate(RunConfig, values, f"--set {override}")
    values["model"]["name"] = _with_depth(values["model"]["name"], defaults.model.name)
    return validate(RunConfig, values, f"{benchmark}/{ablation}")


def load_run(directory: Path) -> RunConfig:
    """The configuration that a run directory was made with.

    Raises:
        InputError: If the directory holds none, or one that is not valid.
    """
    return validate(RunConfig, read_yaml(directory / "config.yaml"), directory / "config.yaml")


def _lineage(root: Path, ablation: str) -> list[str]:
    """The ablation, what it extends, what that extends, ..."""
    lineage = [ablation]
    while parent := load_ablation(root, lineage[-1]).extends:
        if parent in lineage:
            raise InputError(
                f"ablations/{ablation}.yaml: 'extends' is circular: {' -> '.join([*lineage, parent])}"
            )
        lineage.append(parent)
    return lineage


def _merge(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, change in changes.items():
        old = merged.get(key)
        merged[key] = _merge(old, change) if isinstance(old, dict) and isinstance(change, dict) else change
    return merged


def _assignment(text: str) -> dict[str, Any]:
    """`train.steps=120` as a nested mapping."""
    key, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--set {text}: write it as section.key=value, for example train.steps=120")
    nested: Any = yaml.safe_load(value)
    for part in reversed(key.strip().split(".")):
        nested = {part: nested}
    return dict(nested)


def _with_depth(name: str, benchmark_name: str) -> str:
    """`deeplab` takes the depth of the benchmark's network (`difnet-18`): `deeplab-18`."""
    kind, _, depth = name.partition("-")
    if depth or kind == "pixel_prior":
        return name
    return f"{kind}-{benchmark_name.partition('-')[2]}"
