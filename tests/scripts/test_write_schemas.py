"""The schemas for editors are those of the code, and every file of the project keeps to them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from difnet.cli.templates import SECTION, YAML
from scripts.write_schemas import FOLDER, schemas
from tests.conftest import PROJECT

FILES = {
    "benchmark": sorted((PROJECT / "workflow" / "benchmarks").glob("*.yaml")),
    "ablation": sorted((PROJECT / "ablations").rglob("*.yaml")),
}


def validator(kind: str) -> Draft202012Validator:
    schema: dict[str, Any] = schemas()[kind]
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("kind", FILES)
def test_the_file_is_what_the_code_says(kind: str) -> None:
    written = json.loads((FOLDER / f"{kind}.schema.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(schemas()[kind])), "run python scripts/write_schemas.py"


@pytest.mark.parametrize("kind", FILES)
def test_every_file_of_the_project_keeps_to_it(kind: str) -> None:
    assert len(FILES[kind]) > 10
    check = validator(kind)
    wrong = {
        path.name: [error.message for error in check.iter_errors(yaml.safe_load(path.read_text()))]
        for path in FILES[kind]
    }
    assert {name: messages for name, messages in wrong.items() if messages} == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"restrat": 0.5}}, "'restrat' was unexpected"),
        ({"model": {"restart": 2}}, "2 is not valid"),
        ({"train": {"steps": -1}}, "-1 is less than the minimum of 0"),
        ({"title": None}, "None is not of type 'string'"),
    ],
)
def test_an_editor_marks_a_mistake(change: dict[str, Any], message: str) -> None:
    ablation = {"title": "One", "question": "Why?", **change}
    (error,) = validator("ablation").iter_errors(ablation)
    assert message in error.message
    assert not list(validator("ablation").iter_errors({"title": "One", "question": "Why?"}))


def test_keys_have_their_meaning() -> None:
    keys = schemas()["benchmark"]["$defs"]["ModelConfig"]["properties"]
    assert keys["repeats"]["description"] == "Random walks a level."


def test_a_new_ablation_names_its_schema() -> None:
    for template in (YAML, SECTION):
        (reference,) = [line for line in template.splitlines() if "yaml-language-server" in line]
        place = PROJECT / "ablations" / reference.partition("$schema=")[2]
        assert place.resolve() == FOLDER / "ablation.schema.json"
