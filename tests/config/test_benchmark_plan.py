"""What a start of the workflow runs, as its command line selects it, and the files that say so."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from difnet.config import (
    BenchmarkPlan,
    InputError,
    Project,
    TimingConfig,
    load_run,
    plan,
    read_plan,
    resolve_run,
)
from difnet.config import project as project_module
from difnet.config.schema import LEVELS
from tests.conftest import CATALOGUE, PROJECT

Write = Callable[[str, str], Path]
ONE_CLAIM = """
equivalence: 0.005
effect: 0.02
claims:
  - {id: C1, statement: S, family: confirmatory, form: superiority, metric: miou, direction: higher,
     margin: 0, scope: all, tests: [{variant: cascade, reference: deeplab}]}
"""


def planned(**config: object) -> BenchmarkPlan:
    (part,) = plan(CATALOGUE, {"benchmarks": ["tiny"], **config}).benchmarks.values()
    return part


def test_a_benchmark_as_it_is() -> None:
    outcome = plan(CATALOGUE, {"benchmarks": ["tiny", "operators"]})
    assert list(outcome.benchmarks) == ["tiny", "operators"]
    assert [variant.name for variant in outcome.benchmarks["operators"].variants] == ["cascade"]
    tiny = outcome.benchmarks["tiny"]
    assert (tiny.variants[0].name, tiny.reference, tiny.seeds) == ("cascade", "cascade", (0, 1))
    assert Counter(run.seed for run in tiny.runs) == {seed: len(tiny.variants) for seed in (0, 1)}
    assert {(run.benchmark, run.seed) for run in tiny.first_runs} == {("tiny", 0)}
    assert outcome.left_out == []


def test_the_whole_catalogue_reads_each_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[Path] = Counter()
    original = project_module.read_yaml

    def counted(path: Path, shown: Path | None = None):
        read[path] += 1
        return original(path, shown)

    monkeypatch.setattr(project_module, "read_yaml", counted)
    outcome = plan(Project(PROJECT), {"benchmarks": ["shapes-all"]})
    names = [variant.name for variant in outcome.benchmarks["shapes-all"].variants]
    assert sorted(names) == outcome.ablations == CATALOGUE.ablation_names
    assert set(read.values()) == {1}
    assert len(read) == len(names) + 1


def variants_of(**config: object) -> list[str]:
    return [variant.name for variant in planned(**config).variants]


def test_claims_select_the_ablations_that_they_need() -> None:
    assert variants_of(claims=["C7"]) == ["cascade", *(f"level_{level}_x5" for level in LEVELS)]
    assert variants_of(claims="C1") == ["cascade", "deeplab"]
    assert variants_of(claims=["C1", "C8"], ablations=["walks_2"]) == [
        *("cascade", "walks_2", "deeplab", "no_importance")
    ]
    assert variants_of(claims=["C4"]) == ["cascade"]
    with pytest.raises(InputError, match=r"^claims: there is no claim 'C9'"):
        planned(claims=["C9"])


def test_claims_of_a_benchmark(project: Path, write: Write) -> None:
    """They stand for its ablations, or beside those that it names; the command line comes first."""
    for name in ("cascade", "deeplab", "seed_only"):
        write(f"ablations/{name}.yaml", "title: T\nquestion: Q\n")
    write("workflow/claims.yaml", ONE_CLAIM)
    for ablations, expected in (("", ["deeplab"]), ("ablations: [seed_only]\n", ["seed_only", "deeplab"])):
        write("workflow/benchmarks/own.yaml", f"title: T\nclaims: [C1]\n{ablations}")
        for selection, found in (({}, expected), ({"ablations": ["seed_only"]}, ["seed_only"])):
            part = plan(Project(project), {"benchmarks": ["own"], **selection}).benchmarks["own"]
            assert [variant.name for variant in part.variants] == ["cascade", *found]


@pytest.mark.parametrize("looks", ["[10, 5]", "[5, 5]", "[2, 5]"])
def test_looks_ascend_from_three_seeds(project: Path, write: Write, looks: str) -> None:
    write("ablations/cascade.yaml", "title: T\nquestion: Q\n")
    write("workflow/benchmarks/own.yaml", f"title: T\nlooks: {looks}\n")
    with pytest.raises(InputError, match="looks: .*numbers of seeds from 3 on, ascending"):
        plan(Project(project), {"benchmarks": ["own"]})


def test_selection_on_the_command_line() -> None:
    part = planned(
        ablations=["walks_*", "deeplab"], seeds=[4], set=["train.steps=3", "model.levels=[image, layer4]"]
    )
    assert [(run.variant, run.seed) for run in part.runs] == [
        (name, 4) for name in ("cascade", "walks_2", "walks_3", "deeplab")
    ]
    assert {run.train.steps for run in part.runs} == {3}


def test_single_values_need_no_list() -> None:
    part = planned(ablations="cascade", seeds=2, set="train.steps=1")
    assert [(run.variant, run.seed) for run in part.runs] == [("cascade", 2)]


@pytest.mark.parametrize(
    ("config", "folder"),
    [
        ({}, "tiny"),
        ({"seeds": [0], "ablations": ["deeplab"]}, "tiny"),
        ({"sweep": {"model.restart": [0.1]}}, "tiny"),
        ({"set": ["train.steps=6"]}, "tiny"),  # as the benchmark has it: the same recipe
        ({"set": ["train.steps=5"]}, "tiny+train.steps=5"),
        ({"set": ["train.steps= 5", "train.flip=false"]}, "tiny+train.flip=false+train.steps=5"),
        ({"set": ["train.flip=false", "train.steps=5"]}, "tiny+train.flip=false+train.steps=5"),
        ({"set": ["evaluate.split=test"]}, "tiny+evaluate.split=test"),
    ],
)
def test_another_recipe_has_a_folder_of_its_own(config: dict[str, Any], folder: str) -> None:
    assert planned(**config).folder == folder


def test_swept_values_of_the_command_line_have_their_types() -> None:
    """Snakemake hands them over as text."""
    sweep = {"model.weights": ["null", "pretext"], "train.scale": ["[0.5, 1.4]"], "train.crop": ["33"]}
    runs = [variant.config for variant in planned(ablations="cascade", sweep=sweep).variants[1:]]
    assert [run.model.weights for run in runs] == [None, "pretext"]
    assert {(run.train.scale, run.train.crop) for run in runs} == {((0.5, 1.4), 33)}


def test_long_and_odd_recipes_are_hashed() -> None:
    long = planned(set=[f"train.{key}=3" for key in ("steps", "batch_size", "checkpoint_every", "workers")])
    odd, other = (planned(set=[f"model.levels=[{level}]"]) for level in ("image", "layer1"))
    assert len(long.folder) <= len("tiny") + 60
    assert odd.folder.startswith("tiny+model.levels=_image_-")
    assert len({long.folder, odd.folder, other.folder}) == 3


def test_what_is_timed(project: Path, write: Write) -> None:
    """By the benchmark, unless the command line says otherwise; there words stand for truth values."""
    write("ablations/cascade.yaml", "title: T\nquestion: Q\n")
    write("workflow/benchmarks/timed.yaml", "title: T\nablations: [cascade]\ntiming: {nodes: [16]}\n")
    write("workflow/benchmarks/untimed.yaml", "title: T\nablations: [cascade]\ntiming: false\n")
    for chosen, grids in (({}, [(16,), None]), ({"timing": "false"}, [None] * 2), ({"timing": True}, 0)):
        parts = plan(Project(project), {"benchmarks": ["timed", "untimed"], **chosen}).benchmarks.values()
        expected = grids or [(16,), TimingConfig().nodes]
        assert [part.timing.nodes if part.timing else None for part in parts] == expected
    (part,) = plan(Project(project), {"benchmarks": ["untimed"]}).benchmarks.values()
    assert part.timing_command == "snakemake --cores all --config 'benchmarks=[untimed]' timing=true"
    assert part.folder == "untimed"
    for value, message in (
        ("{nods: [16]}", "untimed.yaml:3: unknown key 'timing.nods'; did you mean 'timing.nodes'?"),
        ("{repeats: 0}", "untimed.yaml:3: timing.repeats: input should be greater than 0 (found 0)"),
        ("true", "untimed.yaml:3: timing: input should be"),
    ):
        write("workflow/benchmarks/untimed.yaml", f"title: T\nablations: [cascade]\ntiming: {value}\n")
        with pytest.raises(InputError, match=re.escape(message)):
            plan(Project(project), {"benchmarks": ["untimed"]})


def test_an_ablation_without_runs_is_a_section(project: Path, write: Write) -> None:
    """It is in no run, however it is selected; where a run of it is asked for, that is one line."""
    write("ablations/cascade.yaml", "title: T\nquestion: Q\ntags: [headline]\n")
    write("ablations/table.yaml", "title: T\nquestion: Q\ntags: [headline]\nruns: false\n")
    write("workflow/benchmarks/own.yaml", "title: T\nsweep: {model.restart: [0.1]}\n")
    with pytest.raises(InputError, match=r"^ablations/table.yaml:4: without runs it needs rules; write"):
        plan(Project(project), {"benchmarks": ["own"]})
    write("ablations/table.smk", "rule table: ...")
    for ablations in ([], ["table"], ["*"]):
        outcome = plan(Project(project), {"benchmarks": ["own"], "ablations": ablations})
        part = outcome.benchmarks["own"]
        assert [variant.name for variant in part.variants] == ["cascade", "cascade@restart=0.1"]
        assert (part.sections, outcome.ablations) == (("table",), ["cascade", "table"])
    with pytest.raises(InputError, match=r"^ablations/table.yaml:4: 'table' has no runs"):
        resolve_run(Project(project), benchmark="own", ablation="table", seed=0)
    for key in ("extends: table", "weights_of: table"):
        write("ablations/other.yaml", f"title: T\nquestion: Q\n{key}\n")
        with pytest.raises(InputError, match=r"^ablations/table.yaml:4: 'table' has no runs"):
            plan(Project(project), {"benchmarks": ["own"], "ablations": ["other"]})
    write("ablations/table.yaml", "title: T\nquestion: Q\nextends: cascade\nruns: false\n")
    with pytest.raises(InputError, match=r"table.yaml:4: runs: where nothing is run, 'extends' changes noth"):
        plan(Project(project), {"benchmarks": ["own"], "ablations": ["table"]})


SELECTIONS: list[dict[str, Any]] = [
    {},
    {"timing": False, "seeds": [1]},
    {"seeds": [3, 1], "ablations": ["walks_*", "deeplab"]},
    {"set": ["train.steps=3", "model.levels=[image, layer4]"], "processes": 2},
    {"sweep": {"model.restart": [0.1, "learned"], "train.flip": [True, False]}, "ablations": ["cascade"]},
]


@pytest.mark.parametrize("config", SELECTIONS)
def test_the_command_of_a_plan_plans_the_same(config: dict[str, Any]) -> None:
    part = planned(**config)
    words = shlex.split(part.command)
    assert words[:4] == ["snakemake", "--cores", "all", "--config"]
    again = {key: yaml.safe_load(value) for key, value in (word.split("=", 1) for word in words[4:])}
    assert plan(CATALOGUE, again).benchmarks == {part.folder: part}


@pytest.mark.parametrize("config", SELECTIONS)
def test_files_of_a_plan(project: Path, write: Write, config: dict[str, Any]) -> None:
    for folder in ("ablations", "workflow/benchmarks"):
        for path in (PROJECT / folder).glob("*.yaml"):
            write(f"{folder}/{path.name}", path.read_text())
    catalogue = Project(project)
    (part,) = plan(catalogue, {"benchmarks": ["tiny"], **config}).benchmarks.values()
    path = part.write(catalogue)
    assert path == project / "results" / part.folder / "plan.json"
    assert read_plan(path.parent) == part
    for run in part.runs:
        folder = part.run_folder(catalogue.results, run.variant, run.seed)
        assert load_run(folder.path) == run
        text = (PROJECT / "ablations" / f"{run.variant.partition('@')[0]}.yaml").read_text()
        assert (folder.path / "ablation" / f"{run.variant.partition('@')[0]}.yaml").read_text() == text
    times = {file: file.stat().st_mtime_ns for file in project.rglob("results/**/*") if file.is_file()}
    part.write(catalogue)
    assert {file: file.stat().st_mtime_ns for file in times} == times


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            None,
            r"plan.json does not exist: .* is no folder of results; write it with 'difnet plan",
        ),
        ("", "plan.json: is not a plan of this version; write it again"),
        ("[1]", "plan.json: is not a plan of this version"),
        ('{"name": "another program"}', "plan.json: is not a plan of this version"),
        ('{"format": 0}', "plan.json: is a plan of format 0 of this version"),
    ],
)
def test_plans_that_are_none(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "plan.json").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_plan(tmp_path)
    assert "\n" not in str(error.value)


def test_plan_that_lost_a_part_is_refused(tmp_path: Path) -> None:
    content = json.loads(planned().model_dump_json())
    del content["variants"][0]["config"]["train"]
    (tmp_path / "plan.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="not a plan of this version"):
        read_plan(tmp_path)


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
        (
            {"benchmarks": ["tiny"], "seeds": [0, 1, 0]},
            "seeds: each seed counts once, so none may be there twice: [0, 1, 0]",
        ),
        (
            {"benchmarks": ["tiny"], "seeds": [2**63]},
            "seeds.0: input should be less than 9223372036",
        ),
        ({"benchmarks": ["tiny"], "ablations": ["wlks"]}, "no ablation has the name or tag 'wlks'"),
        (
            {"benchmarks": ["tiny"], "set": ["train.step=1"]},
            "unknown key 'train.step'; did you mean 'train.steps'?",
        ),
        ({"benchmarks": ["tiny"], "set": ["seed=1"]}, "--set seed=1: write it as section.key=value"),
        (
            {"benchmarks": ["tiny"], "set": ["data.size=[8,8]"]},
            "set: data.size=[8,8]: the data are the benchmark's",
        ),
        (
            {"benchmarks": ["tiny"], "steps": 3},
            "did you mean 'train.steps' or 'model.pretext.steps'? A recipe is changed by 'set=[KEY=VALUE]'",
        ),
        ({"benchmarks": ["tiny"], "seed": [3]}, "unknown key 'seed'; did you mean 'seeds'?"),
        (
            {"benchmarks": ["tiny"], "sweep": "model.restart"},
            "sweep: input should be a mapping, {key: value} (found 'model.restart')",
        ),
        (
            {"benchmarks": ["tiny"], "sweep": {"model.restart": ["2"]}},
            "sweep: model.restart: input should be 'learned' or input should be less than or equal to 1",
        ),
        ({"benchmarks": ["tiny"], "timing": "fals"}, "timing: input should be a valid boolean"),
        (
            {"benchmarks": ["tiny"], "sweep": {"model.restat": [1]}},
            "sweep: 'model.restat' cannot be swept; did you mean 'model.restart'?",
        ),
    ],
)
def test_mistakes_are_one_line(config: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        plan(CATALOGUE, config)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
