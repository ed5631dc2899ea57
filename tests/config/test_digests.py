"""No changed bit and no lost end of a configuration, a plan or a record is used.

A bit of the digest itself may make it unreadable: then all that follows is as it was, and is read.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from difnet.config import InputError, RunFolder, load_run, plan, read_plan, resolve_run
from difnet.config.digests import write_digested
from tests.conftest import CATALOGUE, save_weights
from tests.damaged import damaged


def test_configuration(tmp_path: Path) -> None:
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    RunFolder(tmp_path).write_config(config, {})
    path = tmp_path / "config.yaml"
    refused = 0
    for content in damaged(path.read_bytes()):
        path.write_bytes(content)
        try:
            assert load_run(tmp_path) == config
        except InputError as error:
            assert "\n" not in str(error) and str(path) in str(error)
            refused += 1
    assert refused > 100
    RunFolder(tmp_path).write_config(config, {})
    assert load_run(tmp_path) == config, "planning again mends it"


def test_record_of_a_training(tmp_path: Path) -> None:
    record = {"weights_sha256": "a" * 64, "recipe": "b" * 16, "classes": {"leaf": [1, 2, 3]}, "wall_s": 12.5}
    path = tmp_path / "environment.json"
    write_digested(path, json.dumps(record, indent=1) + "\n")
    assert {key: RunFolder(tmp_path).recorded(key) for key in record} == record
    refused = 0
    for content in damaged(path.read_bytes()):
        path.write_bytes(content)
        try:
            found = RunFolder(tmp_path).record()
        except InputError as error:
            assert re.search(
                r"environment.json: is damaged: .*; delete it and train the run again[^\n]*$", str(error)
            )
            refused += 1
        else:
            assert record.items() <= found.items()
    assert refused > 100
    path.unlink()
    assert RunFolder(tmp_path).record() == {}


def test_a_run_whose_record_is_damaged_is_not_used(tmp_path: Path) -> None:
    """Recipe and weights could not be compared; planning leaves it where jobs look for it."""
    folder = RunFolder(tmp_path)
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    folder.write_config(config, {})
    save_weights({}, tmp_path, recipe=config.training_identity())
    assert load_run(tmp_path) == config
    (tmp_path / "environment.json").write_text("{")
    with pytest.raises(InputError, match=r"environment.json: is damaged"):
        load_run(tmp_path)
    folder.write_config(config, {})
    assert folder.finished and not folder.replaced.exists()


def test_a_damaged_configuration_of_a_finished_run_is_written_again(tmp_path: Path) -> None:
    """Its training recorded the recipe: nothing is moved aside, and nothing is trained again."""
    folder = RunFolder(tmp_path)
    config = resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)
    folder.write_config(config, {})
    save_weights({}, tmp_path, recipe=config.training_identity())
    path = tmp_path / "config.yaml"
    path.write_bytes(path.read_bytes()[:-40])
    folder.write_config(config, {})
    assert load_run(tmp_path) == config
    assert folder.finished and not folder.replaced.exists()


def test_plan(tmp_path: Path) -> None:
    (part,) = plan(CATALOGUE, {"benchmarks": ["tiny"]}).benchmarks.values()
    write_digested(tmp_path / "plan.json", part.model_dump_json(indent=1) + "\n")
    assert read_plan(tmp_path) == part
    content = (tmp_path / "plan.json").read_bytes()
    refused = 0
    for text in damaged(content):
        (tmp_path / "plan.json").write_bytes(text)
        try:
            assert read_plan(tmp_path) == part
        except InputError as error:
            assert re.search(r"plan.json: is not .*; (write|make) it again[^\n]*$", str(error))
            refused += 1
    assert refused > 100
