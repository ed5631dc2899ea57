"""Selection of ablations by name, tag and glob."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from difnet.config import InputError, load_benchmark, select_ablations

Write = Callable[[str, str], Path]


@pytest.fixture
def catalogue(write: Write) -> None:
    for name, tags in {
        "cascade": "[headline]",
        "walks_2": "[walks]",
        "walks_3": "[walks]",
        "alone": "[]",
    }.items():
        write(f"ablations/{name}.yaml", f"title: {name}\nquestion: Q\ntags: {tags}\n")


def select(project: Path, write: Write, selectors: str) -> list[str]:
    write("workflow/benchmarks/b.yaml", f"title: B\nablations: {selectors}\n")
    return select_ablations(project, load_benchmark(project, "b"))


@pytest.mark.parametrize(
    ("selectors", "selected"),
    [
        ("[headline]", ["cascade"]),
        ("[walks, cascade]", ["cascade", "walks_2", "walks_3"]),
        ("['walks_*', headline, alone]", ["cascade", "walks_2", "walks_3", "alone"]),
        ("['*']", ["cascade", "alone", "walks_2", "walks_3"]),
    ],
)
def test_names_tags_and_globs(
    project: Path, write: Write, catalogue: None, selectors: str, selected: list[str]
) -> None:
    assert select(project, write, selectors) == selected


def test_selector_without_match_names_the_nearest(project: Path, write: Write, catalogue: None) -> None:
    with pytest.raises(
        InputError, match="no ablation has the name or tag 'hedline'; did you mean 'headline'?"
    ):
        select(project, write, "[hedline]")


def test_reference_must_be_selected(project: Path, write: Write, catalogue: None) -> None:
    with pytest.raises(InputError, match="the reference 'cascade' is not selected"):
        select(project, write, "[alone]")
