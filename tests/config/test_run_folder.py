"""A finished run is never overwritten: it is moved aside, whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from difnet.config import InputError, RunConfig, RunFolder, load_run, resolve_run
from tests.conftest import CATALOGUE

SCORES = {"scores.csv": "a", ".scores.csv.sha256": "b", "per_image.parquet": "c"}


@pytest.fixture
def config() -> RunConfig:
    return resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0)


@pytest.fixture
def folder(tmp_path: Path, config: RunConfig) -> RunFolder:
    """A finished and scored run."""
    folder = RunFolder(tmp_path / "tiny" / "runs" / "cascade" / "seed0")
    folder.write_config(config, {"cascade.yaml": "title: T"})
    for name, text in {**SCORES, "weights.safetensors": "w", "history.csv": "h"}.items():
        (folder.path / name).write_text(text)
    (folder.path / "environment.json").write_text(json.dumps({"identity": "0123"}))
    return folder


def contents(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def changed(config: RunConfig, section: str, **values: object) -> RunConfig:
    part = getattr(config, section).model_copy(update=values)
    return config.model_copy(update={section: part})


def test_another_recipe_moves_the_finished_run_aside_with_every_byte(
    folder: RunFolder, config: RunConfig
) -> None:
    before = contents(folder.path)
    folder.write_config(changed(config, "train", steps=5), {})
    moved = folder.path.parents[2] / "replaced" / "cascade" / "seed0" / "0123"
    assert contents(moved) == before
    assert list(contents(folder.path)) == ["config.yaml"]
    assert load_run(folder.path).train.steps == 5


def test_what_does_not_change_the_weights_leaves_the_run(folder: RunFolder, config: RunConfig) -> None:
    folder.write_config(changed(config, "evaluate", split="test"), {})
    assert load_run(folder.path).evaluate.split == "test"
    assert folder.finished
    assert not folder.replaced.exists()


def test_the_same_run_set_aside_twice_is_kept_twice(folder: RunFolder) -> None:
    kept = contents(folder.path)
    for name in ("0123", "0123-2", "0123-3"):
        for file, content in kept.items():
            path = folder.path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        assert folder.set_aside() == folder.replaced / name
    assert folder.set_aside() is None
    assert [contents(path) for path in sorted(folder.replaced.iterdir())] == [kept] * 3


def test_scores_alone_are_set_aside(folder: RunFolder) -> None:
    moved = folder.set_scores_aside()
    assert moved is not None
    assert moved.name.startswith("0123-scores-")
    assert {name: (moved / name).read_text() for name in contents(moved)} == SCORES
    assert folder.finished
    assert not folder.scored
    assert folder.set_scores_aside() is None


def test_a_run_anywhere_is_set_aside_beside_itself(folder: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "mine")
    folder.path.rename(run.path)
    assert run.set_aside() == tmp_path / "mine.replaced" / "0123"


def test_an_unfinished_run_is_not_moved(folder: RunFolder, config: RunConfig) -> None:
    (folder.path / "environment.json").unlink()
    folder.write_config(changed(config, "train", steps=5), {})
    assert not folder.replaced.exists()
    assert (folder.path / "weights.safetensors").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_a_record_without_identity_is_told_apart_by_its_weights(folder: RunFolder, text: str) -> None:
    (folder.path / "environment.json").write_text(text)
    first = folder.identity
    (folder.path / "weights.safetensors").write_text("other")
    assert len(first) == len(folder.identity) == 16
    assert first != folder.identity


def test_a_configuration_that_was_not_trained_is_refused(folder: RunFolder, config: RunConfig) -> None:
    record = {"identity": "0123", "recipe": config.training_identity()}
    (folder.path / "environment.json").write_text(json.dumps(record))
    assert load_run(folder.path) == config
    path = folder.path / "config.yaml"
    text = path.read_text()
    text = text.partition("\n")[2]  # by hand: without the digest
    path.write_text(text.replace("split: val", "split: test"))
    assert load_run(folder.path).evaluate.split == "test", "scores another split of the same weights"
    path.write_text(text.replace("steps: 6", "steps: 7"))
    with pytest.raises(InputError, match="config.yaml: is not what was trained: it was changed afterwards"):
        load_run(folder.path)


def test_a_configuration_edited_by_hand_names_file_and_key(folder: RunFolder) -> None:
    path = folder.path / "config.yaml"
    path.write_text(path.read_text().replace("steps: 6", "steps: six"))
    with pytest.raises(InputError, match=r"config.yaml:\d+: train.steps: input should be a valid integer"):
        load_run(folder.path)
