"""What a start of the workflow runs, as its command line selects it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from difnet.config import InputError, ablation_names, plan
from tests.conftest import PROJECT

Write = Callable[[str, str], Path]


def test_a_benchmark_as_it_is() -> None:
    planned = plan(PROJECT, {"benchmarks": ["tiny", "operators"]})
    assert list(planned.benchmarks) == ["tiny", "operators"]
    assert planned.variants("operators") == ["cascade"]
    assert planned.variants("tiny")[0] == "cascade"
    assert {seed for name, _, seed in planned.runs if name == "tiny"} == {"0", "1"}
    assert planned.runs["tiny", "deeplab", "1"].seed == 1
    assert (planned.assignments, planned.options, planned.left_out) == ("", "", [])
    first = planned.first_runs("tiny")
    assert [run.variant for run in first] == planned.variants("tiny")
    assert {(run.benchmark, run.seed) for run in first} == {("tiny", 0)}


def test_the_whole_catalogue() -> None:
    planned = plan(PROJECT, {"benchmarks": ["shapes-all"]})
    assert sorted(planned.variants("shapes-all")) == planned.ablations == ablation_names(PROJECT)
    assert len(planned.runs) == 3 * len(planned.ablations)


def test_selection_on_the_command_line() -> None:
    planned = plan(
        PROJECT,
        {
            "benchmarks": ["tiny"],
            "ablations": ["walks_*", "deeplab"],
            "seeds": [4],
            "set": ["train.steps=3", "model.levels=[image, layer4]"],
        },
    )
    assert list(planned.runs) == [
        ("tiny", name, "4") for name in ("cascade", "walks_2", "walks_3", "deeplab")
    ]
    assert planned.benchmarks["tiny"].seeds == (4,)
    assert {run.train.steps for run in planned.runs.values()} == {3}
    assert planned.assignments == "--set train.steps=3 --set 'model.levels=[image, layer4]'"
    assert planned.options == f"--ablation 'walks_*' --ablation deeplab --seed 4 {planned.assignments}"


def test_single_values_need_no_list() -> None:
    planned = plan(
        PROJECT, {"benchmarks": "tiny", "ablations": "cascade", "seeds": 2, "set": "train.steps=1"}
    )
    assert list(planned.runs) == [("tiny", "cascade", "2")]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "the key 'benchmarks' is missing"),
        ({"benchmarks": []}, "benchmarks: value should have at least 1 item"),
        ({"benchmarks": ["tinny"]}, "unknown benchmark 'tinny'; did you mean 'tiny'?"),
        (
            {"benchmark": ["tiny"], "benchmarks": ["shapes"]},
            "unknown key 'benchmark'; did you mean 'benchmarks'?",
        ),
        (
            {"benchmarks": ["tiny"], "seeds": [-1]},
            "seeds.0: input should be greater than or equal to 0 (found -1)",
        ),
        ({"benchmarks": ["tiny"], "ablations": ["wlks"]}, "no ablation has the name or tag 'wlks'"),
        (
            {"benchmarks": ["tiny"], "set": ["train.step=1"]},
            "unknown key 'train.step'; did you mean 'steps'?",
        ),
        ({"benchmarks": ["tiny"], "set": ["seed=1"]}, "--set seed=1: write it as section.key=value"),
        (
            {"benchmarks": ["tiny"], "set": ["data.size=[8,8]"]},
            "set: data.size=[8,8]: the data are the benchmark's",
        ),
    ],
)
def test_mistakes_are_one_line(config: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        plan(PROJECT, config)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
