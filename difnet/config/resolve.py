"""Benchmark + ablation + seed -> the resolved configuration of one run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from difnet.config.catalogue import NAME, load_benchmark, place
from difnet.config.errors import InputError
from difnet.config.files import nearest, read_yaml, validate
from difnet.config.lineage import lineage, weights_of
from difnet.config.schema import DIFFUSIONS, RunConfig
from difnet.config.sweep import ablation_of, assignments_of, nested

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
        ablation: Name of the ablation, or of a variant that the benchmark's sweep makes of one.
        seed: Seed of the run.
        overrides: Assignments such as `train.steps=120`, applied last.

    Raises:
        InputError: If a file or an override is not valid, with its name and the remedy.
    """
    defaults = load_benchmark(root, benchmark)
    name = ablation_of(ablation)
    values: dict[str, Any] = {"benchmark": benchmark, "variant": ablation, "seed": seed}
    values |= {section: getattr(defaults, section).model_dump(mode="json") for section in SECTIONS}
    values["weights_of"] = weights_of(root, name)
    swept = assignments_of(defaults, ablation)
    network = values["model"]["name"] = swept.pop("model.name", defaults.model.name)
    for member, changes in reversed(lineage(root, name).items()):
        values = _merge(values, {section: getattr(changes, section) for section in CHANGED_BY_ABLATIONS})
        path = root / "ablations" / f"{member}.yaml"
        validate(RunConfig, values, path.relative_to(root), text=path.read_text(encoding="utf-8"))
    for key, value in swept.items():
        values = _merge(values, nested({key: value}))
        path = root / "workflow" / "benchmarks" / f"{benchmark}.yaml"
        validate(RunConfig, values, f"{place(root, path, 'sweep', key)}: sweep")
    for override in overrides:
        values = _merge(values, _assignment(override))
        validate(RunConfig, values, f"--set {override}")
    values["model"]["name"] = _with_depth(values["model"]["name"], network)
    values["model"]["weights"] = _weights(values["model"]["weights"], values["model"]["name"], ablation)
    values["diffusion_sha256"] = _diffusion_sha256(root, name, values["model"]["diffusion"])
    return validate(RunConfig, values, f"{benchmark}/{ablation}")


def load_run(directory: Path) -> RunConfig:
    """The configuration that a run directory was made with.

    Raises:
        InputError: If the directory holds none, or one that is not valid.
    """
    return validate(RunConfig, read_yaml(directory / "config.yaml"), directory / "config.yaml")


def _merge(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, change in changes.items():
        old = merged.get(key)
        merged[key] = _merge(old, change) if isinstance(old, dict) and isinstance(change, dict) else change
    return merged


def _assignment(text: str) -> dict[str, Any]:
    """`train.steps=120` as a nested mapping."""
    key, _, value = (part.strip() for part in text.partition("="))
    if not value or key.partition(".")[0] not in SECTIONS or "." not in key:
        raise InputError(f"--set {text}: write it as section.key=value, for example train.steps=120")
    try:
        return nested({key: yaml.safe_load(value)})
    except yaml.YAMLError as error:
        raise InputError(f"--set {text}: the value is not valid YAML; quote it") from error


def _with_depth(name: str, benchmark_name: str) -> str:
    """`deeplab` takes the depth of the benchmark's network (`difnet-18`): `deeplab-18`."""
    kind, _, depth = name.partition("-")
    if depth or kind == "pixel_prior":
        return name
    return f"{kind}-{benchmark_name.partition('-')[2]}"


def _weights(weights: str | None, name: str, variant: str) -> str | None:
    """`imagenet` stands for torchvision's weights at the depth of the network; at 18-50, those of 50."""
    if weights != "imagenet":
        return weights
    depth = name.rpartition("-")[2]
    if depth == "nano":
        raise InputError(
            f"{variant}: model.weights: there are no ImageNet weights for {name}; set it to null, or choose "
            "another model.name"
        )
    return None if name == "pixel_prior" else f"ResNet{depth}_Weights.IMAGENET1K_V1"


def _diffusion_sha256(root: Path, ablation: str, diffusion: str) -> str | None:
    """Hash of the file of a diffusion rule of the user's own; None for a rule of the library."""
    path = root / "ablations" / f"{diffusion}.py"
    if diffusion in DIFFUSIONS:
        if path.exists():
            raise InputError(
                f"ablations/{path.name}: '{diffusion}' is a rule of the library, so this file is never used; "
                "rename it, and give model.diffusion its new name"
            )
        return None
    if not NAME.fullmatch(diffusion) or not path.is_file():
        remedy = nearest(diffusion, [*DIFFUSIONS, *(rule.stem for rule in path.parent.glob("*.py"))])
        raise InputError(
            f"ablations/{ablation}.yaml: model.diffusion: no rule '{diffusion}' and no file "
            f"ablations/{diffusion}.py{remedy}"
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()
