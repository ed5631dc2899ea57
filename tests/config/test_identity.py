"""The training identity: the same for the same training, another for any other.

The keys and their values are drawn from the schema, so a new key is tested without writing a test.
"""

from __future__ import annotations

import random
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from difnet.config import DIFFUSIONS, Project, RunConfig, plan, resolve_run
from difnet.config.variants import nested
from tests.conftest import CATALOGUE

RUN = resolve_run(CATALOGUE, benchmark="shapes", ablation="cascade", seed=0)
NAMED = {
    "model.backbone": st.sampled_from([None, "resnet-18", "resnet-101"]),
    "model.diffusion": st.sampled_from(DIFFUSIONS),
    "model.weights": st.sampled_from(
        [
            None,
            "a.pth",
            {"seed_branch": "a.pth", "similarity_branch": "b.pth"},
            {"similarity_branch": "b.pth"},
        ]
    ),
    "train.scale": st.sampled_from([None, [0.25, 0.5], [0.5, 0.5], [0.125, 0.75]]),
    "train.norm_images": st.sampled_from([None, 1, 2, 4, 8]),
    "evaluate.oracle_seeds": st.sampled_from([None, 1, 5, "1%"]),
}
"""Keys whose values have a meaning."""
WITHOUT_EFFECT = {
    "benchmark",
    "variant",
    "changes",
    "train.checkpoint_every",
    "train.logger",
    "train.workers",
}
"""Names, how often a checkpoint is written, who makes the batches, and the section `evaluate`: none changes
the trained weights."""


def leaves(schema: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Type of every key that is not a section, by its dotted name."""
    found: dict[str, Any] = {}
    for name, field in schema.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= leaves(field.annotation, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = field.annotation
    return found


LEAVES = leaves(RunConfig)
TRAINED = [key for key in LEAVES if key.startswith(("model.", "train."))]


SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(1, 64),
    float: st.sampled_from([0.125, 0.25, 0.5, 0.75]),
    str: st.text("abc", min_size=1, max_size=4),
    NoneType: st.none(),
}
"""Values that every limit of the schema admits."""


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of a type in the schema, as YAML holds them."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is dict:
        return st.dictionaries(st.text("abc", min_size=1), st.integers(), max_size=2)
    if origin is tuple and parts[-1] is ...:
        return st.lists(values(parts[0]), min_size=1, max_size=4)
    if origin is tuple:
        return st.tuples(*map(values, parts)).map(list)
    if origin is Annotated:
        return values(parts[0])
    return st.one_of(*map(values, parts)) if origin in (Union, UnionType) else SIMPLE[annotation]


def values_of(key: str) -> st.SearchStrategy[Any]:
    return NAMED[key] if key in NAMED else values(LEAVES[key])


def value(run: RunConfig, key: str) -> Any:
    for part in key.split("."):
        run = getattr(run, part)
    return run


def with_value(key: str, changed: Any) -> RunConfig:
    content = RUN.model_dump(mode="json")
    *sections, last = key.split(".")
    target = content
    for section in sections:
        target = target[section]
    target[last] = changed
    return RunConfig.model_validate(content)


@pytest.mark.parametrize("key", LEAVES)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_changes_with_every_value_that_matters_and_with_no_other(key: str, data: st.DataObject) -> None:
    changed = with_value(key, data.draw(values_of(key)))
    matters = key not in WITHOUT_EFFECT and not key.startswith("evaluate.")
    differs = matters and value(changed, key) != value(RUN, key)
    assert (changed.training_identity() != RUN.training_identity()) == differs


@pytest.mark.parametrize("key", LEAVES)
def test_the_values_drawn_do_differ(key: str) -> None:
    assert any(value(with_value(key, drawn), key) != value(RUN, key) for drawn in examples(key))


def examples(key: str) -> list[Any]:
    """A few values of a key, always the same ones."""
    drawn: list[Any] = []

    @settings(max_examples=10, database=None, derandomize=True, deadline=None)
    @given(values_of(key))
    def draw(one: Any) -> None:
        drawn.append(one)

    draw()
    return drawn


SHARED_FOLDER = [HealthCheck.function_scoped_fixture]

assignments = st.lists(st.sampled_from(TRAINED), unique=True, max_size=6).flatmap(
    lambda keys: st.fixed_dictionaries({key: values_of(key) for key in keys})
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=SHARED_FOLDER)
@given(changes=assignments, shuffle=st.randoms(use_true_random=False))
def test_order_comments_and_words_of_a_file_do_not_matter(
    project: Path, changes: dict[str, Any], shuffle: random.Random
) -> None:
    def identity(benchmark: dict[str, Any], ablation: dict[str, Any], comment: str = "") -> str:
        for file, content in (("workflow/benchmarks/b.yaml", benchmark), ("ablations/own.yaml", ablation)):
            (project / file).write_text(comment + yaml.safe_dump(content, sort_keys=False))
        return resolve_run(Project(project), benchmark="b", ablation="own", seed=0).training_identity()

    benchmark = {"title": "B", "data": {"name": "shapes", "options": {"noise": 0, "size": 32, "train": 8}}}
    ablation = {"title": "T", "question": "Q", **nested(changes)}
    words = {"title": "Other", "question": "Why?", "expectation": "None.", "tags": ["some"]}
    assert identity(benchmark, ablation) == identity(
        shuffled(benchmark | {"title": "Other"}, shuffle),
        shuffled(ablation | words, shuffle),
        "# a remark\n\n",
    )


def shuffled(content: Any, shuffle: random.Random) -> Any:
    """A mapping, and those inside it, with their keys in another order."""
    if not isinstance(content, dict):
        return content
    keys = list(content)
    shuffle.shuffle(keys)
    return {key: shuffled(content[key], shuffle) for key in keys}


def changed(run: RunConfig, key: str, value: object, **others: object) -> RunConfig:
    section, _, name = key.partition(".")
    part = getattr(run, section).model_copy(update={name: value})
    return run.model_copy(update={section: part, **others})


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (RUN.model_copy(update={"seed": 5, "benchmark": "copy"}), None),
        (changed(RUN, "train.steps", 6), "train.steps (380 and 6)"),
        (changed(RUN, "data.size", (8, 8)), "data.size (None and (8, 8))"),
        (changed(RUN, "evaluate.flip", True), "evaluate.flip (False and True)"),
        (changed(RUN, "train.workers", 3), None),
        (changed(RUN, "evaluate.gallery", 9), None),
        (changed(RUN, "model.restart", 0.5), "model.restart (learned and 0.5)"),
        (changed(RUN, "model.restart", 0.5, variant="own", changes=("model.restart",)), None),
        (
            changed(RUN, "train.steps", 6, variant="own", changes=("model.restart",)),
            "train.steps (380 and 6)",
        ),
        (changed(RUN, "model.weights", "W", variant="own", changes=("model.name",)), None),
        (RUN.model_copy(update={"diffusion_sha256": "1"}), "ablations/cascade.py"),
    ],
)
def test_runs_of_another_recipe_differ_in_a_key(other: RunConfig, difference: str | None) -> None:
    assert RUN.difference(other) == difference
    assert (other.difference(RUN) is None) == (difference is None)


def test_variants_of_a_benchmark_differ_only_in_what_they_name() -> None:
    for benchmark in ("shapes-all", "voc2012"):
        (part,) = plan(CATALOGUE, {"benchmarks": [benchmark]}).benchmarks.values()
        for run in part.first_runs:
            assert part.first_runs[0].difference(run) is None
