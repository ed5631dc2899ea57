"""Sweeps: names, values and limits of the variants that a benchmark makes of its ablations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from difnet.config import BenchmarkPlan, InputError, Project, plan, resolve_run
from difnet.config.variants import same_values, select_variants

Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def catalogue(write: Write) -> None:
    write("ablations/cascade.yaml", "title: DifNet (cascade)\nquestion: Q\ntags: [headline]\n")
    write("ablations/plain.yaml", "title: P\nquestion: Q\ntags: [headline]\nmodel: {importance: false}\n")
    write("ablations/oracle.yaml", "title: O\nquestion: Q\ntags: [oracle]\nweights_of: cascade\n")


def benchmark(write: Write, *lines: str) -> None:
    write("workflow/benchmarks/b.yaml", "\n".join(["title: B", "train: {steps: 10}", *lines]))


def planned(project: Path) -> BenchmarkPlan:
    return plan(Project(project), {"benchmarks": ["b"]}).benchmarks["b"]


def select(project: Path) -> list[str]:
    catalogue = Project(project)
    return list(select_variants(catalogue, catalogue.benchmark("b")))


def test_every_trained_ablation_is_also_run_with_each_value(project: Path, write: Write) -> None:
    benchmark(write, "ablations: [headline, oracle]", "sweep: {model.restart: [0.1, learned]}")
    swept = ["cascade@restart=0.1", "cascade@restart=learned"]
    assert select(project) == [
        "cascade",
        *swept,
        "plain",
        "plain@restart=0.1",
        "plain@restart=learned",
        "oracle",
    ]


def test_combinations_of_several_keys(project: Path, write: Write) -> None:
    benchmark(
        write,
        "ablations: [cascade]",
        "sweep: {model.levels: [[image], [layer1, layer4]], train.flip: [true, false]}",
    )
    assert select(project)[1:] == [
        "cascade@levels=image,flip=true",
        "cascade@levels=image,flip=false",
        "cascade@levels=layer1+layer4,flip=true",
        "cascade@levels=layer1+layer4,flip=false",
    ]
    run = resolve_run(Project(project), benchmark="b", ablation=select(project)[-1], seed=0)
    assert (run.variant, run.model.levels, run.train.flip) == (
        "cascade@levels=layer1+layer4,flip=false",
        ("layer1", "layer4"),
        False,
    )


def test_swept_value_wins_over_the_ablation_and_loses_to_the_command_line(
    project: Path, write: Write
) -> None:
    benchmark(write, "ablations: ['*']", "sweep: {model.importance: [true]}")
    assert resolve_run(
        Project(project), benchmark="b", ablation="plain@importance=true", seed=0
    ).model.importance
    overridden = plan(Project(project), {"benchmarks": ["b"], "set": ["model.importance=false"]})
    (part,) = overridden.benchmarks.values()
    (run,) = (run for run in part.first_runs if run.variant == "plain@importance=true")
    assert not run.model.importance


def test_keys_with_the_same_last_part_keep_their_section(project: Path, write: Write) -> None:
    benchmark(write, "sweep: {train.batch_size: [2], evaluate.batch_size: [3]}")
    assert "cascade@train.batch_size=2,evaluate.batch_size=3" in select(project)


def test_title_names_the_values(project: Path, write: Write) -> None:
    benchmark(write, "sweep: {model.restart: [0.1], model.skip: [0]}")
    titles = {variant.name: variant.title for variant in planned(project).variants}
    assert titles["cascade@restart=0.1,skip=0"] == "DifNet (cascade), restart = 0.1, skip = 0"
    assert titles["cascade"] == "DifNet (cascade)"


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ("{seed: [0, 1]}", "workflow/benchmarks/b.yaml:3: sweep: 'seed' cannot be swept"),
        ("{data.size: [[32, 32]]}", "sweep: 'data.size' cannot be swept"),
        ("{model.restat: [0.1]}", "sweep: 'model.restat' cannot be swept; did you mean 'model.restart'?"),
        ("{model: [{restart: 1}]}", "sweep: 'model' cannot be swept"),
        ("{model.restart: []}", "sweep: 'model.restart' has no values"),
        ("{model.restart: [0.1, 0.1]}", "sweep: 'restart=0.1' is there twice"),
        ("{model.weights: [a/b c]}", "sweep: 'model.weights' cannot take 'a/b c'"),
        ("{model.weights: [a/]}", "sweep: 'model.weights' cannot take 'a/'"),
        ("{model.weights: [a/c, b/c]}", "sweep: 'weights=c' is there twice"),
        (
            "{model.restart: 0.1}",
            "workflow/benchmarks/b.yaml:3: sweep.model.restart: input should be a list, [",
        ),
        ("{model.restart: [0.1, 2]}", "workflow/benchmarks/b.yaml:3: sweep: model.restart: input should be"),
        ("[model.restart]", "workflow/benchmarks/b.yaml:3: sweep: input should be a mapping, {key: value}"),
    ],
)
def test_mistakes_in_a_sweep(project: Path, write: Write, sweep: str, message: str) -> None:
    benchmark(write, f"sweep: {sweep}")
    with pytest.raises(InputError) as error:
        plan(Project(project), {"benchmarks": ["b"]})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("sweep", "message"),
    [("{model.restart: [0.1]}", "did you mean 'restart=0.1'?"), ("{}", "the benchmark sweeps nothing")],
)
def test_unknown_variant(project: Path, write: Write, sweep: str, message: str) -> None:
    benchmark(write, f"sweep: {sweep}")
    with pytest.raises(InputError, match=f"unknown variant 'cascade@restart=0.2'.*{message}"):
        resolve_run(Project(project), benchmark="b", ablation="cascade@restart=0.2", seed=0)


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ("{}", ["cascade", "cascade@restart=0.1", "plain", "plain@restart=0.1", "oracle"]),
        ("{runs: 2}", ["cascade"]),
        ("{runs: 5}", ["cascade", "cascade@restart=0.1"]),
        ("{steps: 60}", ["cascade", "cascade@restart=0.1", "plain"]),
        ("{steps: 80}", ["cascade", "cascade@restart=0.1", "plain", "plain@restart=0.1", "oracle"]),
        ("{steps: 60, runs: 4}", ["cascade", "cascade@restart=0.1"]),
    ],
)
def test_limits_keep_whole_variants_in_order(
    project: Path, write: Write, limits: str, kept: list[str]
) -> None:
    benchmark(
        write,
        "seeds: [0, 7]",
        "ablations: [headline, oracle]",
        "sweep: {model.restart: [0.1]}",
        f"limits: {limits}",
    )
    part = planned(project)
    assert [variant.name for variant in part.variants] == kept
    assert [run.seed for run in part.runs if run.variant == kept[-1]] == [0, 7]
    left_out = [variant for variant in select(project) if variant not in kept]
    assert list(part.left_out) == (
        [f"b: its limits leave out {len(left_out)} of 5 variants: {', '.join(left_out)}"] if left_out else []
    )


def test_limits_below_the_reference(project: Path, write: Write) -> None:
    benchmark(write, "limits: {steps: 29}")
    with pytest.raises(InputError, match="no room for the reference; it takes 3 runs and 30 steps"):
        plan(Project(project), {"benchmarks": ["b"]})


def test_each_variant_has_the_reference_at_its_values_where_it_has_runs() -> None:
    variants = ["deeplab", "deeplab@skip=1", "cascade", "cascade@skip=1", "cascade@skip=0"]
    assert same_values(variants, "deeplab") == [("cascade@skip=1", "deeplab@skip=1")]
    assert same_values(variants, "deeplab@skip=1") == [("cascade", "deeplab")]
    assert same_values(variants, "cascade@skip=0") == [
        ("deeplab", "cascade"),
        ("deeplab@skip=1", "cascade@skip=1"),
    ]
