"""Benchmark + ablation + seed -> the resolved configuration of one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from difnet.config.backbones import with_backbone
from difnet.config.errors import InputError
from difnet.config.files import parse_yaml, validate
from difnet.config.freezing import start_alike
from difnet.config.initial_weights import with_initial_weights
from difnet.config.project import NAME, Project
from difnet.config.run_config import RunConfig
from difnet.config.schema import DIFFUSIONS
from difnet.config.source_code import python_sha256
from difnet.config.suggestions import dotted_keys, nearest, nearest_key
from difnet.config.timm_networks import as_pretrained
from difnet.config.variants import Assignments, ablation_of, assignments_of, nested

SECTIONS = ("data", "model", "train", "evaluate")
CHANGED_BY_ABLATIONS = ("model", "train", "evaluate")
"""Not the data: every variant of a benchmark sees the same images."""


def resolve_run(
    project: Project, *, benchmark: str, ablation: str, seed: int, overrides: Sequence[str] = ()
) -> RunConfig:
    """The configuration of one run: the benchmark's values, changed by the ablation and what it extends.

    Args:
        project: Holds both.
        benchmark: Name of the benchmark.
        ablation: Name of the ablation, or of a variant that the benchmark's sweep makes of one.
        seed: Seed of the run.
        overrides: Assignments such as `train.steps=120`, applied last.

    Raises:
        InputError: If a file or an override is not valid, with its name and the remedy.
    """
    swept = assignments_of(project.benchmark(benchmark), ablation)
    return resolve_variant(project, benchmark, ablation, swept, seed=seed, overrides=overrides)


def resolve_variant(
    project: Project,
    benchmark: str,
    variant: str,
    swept: Assignments,
    *,
    seed: int,
    overrides: Sequence[str] = (),
) -> RunConfig:
    """As `resolve_run`, for a variant whose swept values are known.

    Raises:
        InputError: If a file, a swept value or an override is not valid, with its name and the remedy.
    """
    defaults = project.benchmark(benchmark)
    name = ablation_of(variant)
    project.check_runs(name)
    values: dict[str, Any] = {"benchmark": benchmark, "variant": variant, "seed": seed}
    values |= {section: getattr(defaults, section).model_dump(mode="json") for section in SECTIONS}
    values["weights_of"] = project.weights_of(name)
    if "model.name" in swept:
        values = _changed(values, nested({"model.name": swept["model.name"]}))
    network = values["model"]["name"]
    changed: set[str] = set()
    for member, ablation in reversed(project.lineage(name).items()):
        changes = {section: getattr(ablation, section) for section in CHANGED_BY_ABLATIONS}
        values = _changed(values, changes)
        project.ablation_file(member).check(RunConfig, values)
        changed |= {f"{section}.{key}" for section, keys in changes.items() for key in keys}
    for key, value in swept.items():
        if key == "model.name":
            continue  # is the network of the benchmark: an ablation such as `deeplab` took its depth above
        values = _changed(values, nested({key: value}))
        try:
            validate(RunConfig, values)
        except InputError as error:
            file = project.benchmark_file(benchmark)
            place = f"{file.place('sweep', key)}: " if key in defaults.sweep else ""
            raise InputError(f"{place}sweep: {error}") from error
    for override in overrides:
        values = _changed(values, _assignment(override))
        validate(RunConfig, values, f"--set {override}")
    depth_named = _with_depth(values["model"]["name"], network)
    model = with_backbone({**values["model"], "name": depth_named})
    if model["backbone"] is not None:
        model = as_pretrained(model)
    values["model"] = model = with_initial_weights(model, variant)
    if model["name"] != depth_named:
        changed.add("model.name")
    if values["train"]["freeze"] == "backbone" and start_alike(model):
        model["shared_resnet"] = True
    values["diffusion_sha256"] = _diffusion_sha256(project, name, values["model"]["diffusion"])
    values["changes"] = sorted({*changed, *swept})
    return validate(RunConfig, values, f"{benchmark}/{variant}")


def _changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Values with some changed; a network that these name in full (`difnet-18`) has no other backbone."""
    model = changes.get("model", {})
    if "backbone" not in model and "-" in model.get("name", ""):
        changes = {**changes, "model": {**model, "backbone": None}}
    return _merge(values, changes)


def _merge(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, change in changes.items():
        old = merged.get(key)
        merged[key] = _merge(old, change) if isinstance(old, dict) and isinstance(change, dict) else change
    return merged


def _assignment(text: str) -> dict[str, Any]:
    """`train.steps=120` as a nested mapping."""
    key, _, value = (part.strip() for part in text.partition("="))
    if not value or key in RunConfig.model_fields:
        raise InputError(f"--set {text}: write it as section.key=value, for example train.steps=120")
    if key.partition(".")[0] not in SECTIONS:
        known = [other for other in dotted_keys(RunConfig) if "." in other]
        raise InputError(f"--set {text}: unknown key '{key}'{nearest_key(key, known)}")
    try:
        return nested({key: parse_yaml(value)})
    except yaml.YAMLError as error:
        raise InputError(f"--set {text}: the value is not valid YAML; quote it") from error


def _with_depth(name: str, benchmark_name: str) -> str:
    """`deeplab` takes the depth of the benchmark's network (`difnet-18`): `deeplab-18`."""
    kind, _, depth = name.partition("-")
    if depth or kind == "pixel_prior":
        return name
    return f"{kind}-{benchmark_name.partition('-')[2]}"


def _diffusion_sha256(project: Project, ablation: str, diffusion: str) -> str | None:
    """Hash of what the file of a diffusion rule of the user's own says; None for a rule of the library."""
    path = project.rule_file(diffusion)
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
            f"{project.ablation_file(ablation).shown}: model.diffusion: no rule '{diffusion}' and no file "
            f"ablations/{diffusion}.py{remedy}"
        )
    return python_sha256(path.read_bytes())
