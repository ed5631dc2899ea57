"""Selection of ablations by name, tag and glob; files that are broken or badly named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from difnet.config import InputError, Project, plan, resolve_run
from difnet.config.variants import select_variants
from tests.conftest import CATALOGUE, PROJECT

Write = Callable[[str, str], Path]
ABLATION = "title: T\nquestion: Q\n"


@pytest.fixture(autouse=True)
def catalogue(write: Write) -> None:
    for name, tags in {
        "cascade": "[headline]",
        "walks_2": "[walks]",
        "walks_3": "[walks]",
        "alone": "[]",
    }.items():
        write(f"ablations/{name}.yaml", f"title: {name}\nquestion: Q\ntags: {tags}\n")
    write("workflow/benchmarks/all.yaml", "title: All\nablations: ['*']\n")


def select(project: Path, write: Write, selectors: str, **keys: str) -> list[str]:
    lines = ["title: B", f"ablations: {selectors}", *(f"{key}: {value}" for key, value in keys.items())]
    write("workflow/benchmarks/b.yaml", "\n".join(lines))
    catalogue = Project(project)
    return list(select_variants(catalogue, catalogue.benchmark("b")))


@pytest.mark.parametrize(
    ("selectors", "selected"),
    [
        ("[headline]", ["cascade"]),
        ("[walks, cascade]", ["cascade", "walks_2", "walks_3"]),
        ("['walks_*', headline, alone]", ["cascade", "walks_2", "walks_3", "alone"]),
        ("['*']", ["cascade", "alone", "walks_2", "walks_3"]),
    ],
)
def test_names_tags_and_globs(project: Path, write: Write, selectors: str, selected: list[str]) -> None:
    assert select(project, write, selectors) == selected


def test_selector_without_match_names_the_nearest(project: Path, write: Write) -> None:
    with pytest.raises(
        InputError, match="no ablation has the name or tag 'hedline'; did you mean 'headline'?"
    ):
        select(project, write, "[hedline]")


def test_reference_must_be_selected(project: Path, write: Write) -> None:
    with pytest.raises(InputError, match="the reference 'cascade' is not selected"):
        select(project, write, "[alone]")


def test_weights_of_another_ablation_bring_it_along_before(project: Path, write: Write) -> None:
    write("ablations/oracle.yaml", ABLATION + "extends: cascade\nweights_of: again\n")
    write("ablations/again.yaml", ABLATION + "weights_of: walks_2\n")
    write("ablations/oracle_too.yaml", ABLATION + "extends: oracle\n")
    assert select(project, write, "[oracle, cascade]") == ["cascade", "walks_2", "again", "oracle"]
    assert select(project, write, "[oracle_too, cascade]") == ["cascade", "walks_2", "again", "oracle_too"]
    assert select(project, write, "[oracle]", reference="oracle") == ["walks_2", "again", "oracle"]
    assert resolve_run(Project(project), benchmark="b", ablation="oracle_too", seed=0).weights_of == "again"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"own.yaml": "weights_of: cascad\n"},
            "ablations/own.yaml:3: 'weights_of': unknown ablation 'cascad'; did you mean 'cascade'?",
        ),
        (
            {"own.yaml": "weights_of: other\n", "other.yaml": "weights_of: own\n"},
            "ablations/other.yaml:3: 'weights_of' is circular: own -> other -> own",
        ),
        ({"own.yaml": "extends: own\n"}, "ablations/own.yaml:3: 'extends' is circular: own -> own"),
        (
            {"own.yaml": "extends: other\n", "other.yaml": "tags: []\nextends: own\n"},
            "ablations/other.yaml:4: 'extends' is circular: own -> other -> own",
        ),
        (
            {"own.yaml": "extends: nothing\n"},
            "ablations/own.yaml:3: 'extends': unknown ablation 'nothing'; known are",
        ),
        (
            {"own.yaml": "weights_of: cascade\ntrain: {steps: 3}\n"},
            "ablations/own.yaml:4: takes the weights of 'cascade', so nothing is trained",
        ),
        (
            {"own.yaml": "extends: other\ntrain: {steps: 3}\n", "other.yaml": "weights_of: cascade\n"},
            "ablations/own.yaml:4: takes the weights of 'cascade', so nothing is trained",
        ),
    ],
)
def test_mistakes_between_ablations(project: Path, write: Write, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        write(f"ablations/{name}", ABLATION + text)
    with pytest.raises(InputError) as error:
        resolve_run(Project(project), benchmark="all", ablation="own", seed=0)
    assert str(error.value).startswith(message)
    assert select(project, write, "[cascade, alone]") == ["cascade", "alone"]


BROKEN = {
    "not YAML": ("own.yaml", "title: [\n", r"ablations/own.yaml:\d: not valid YAML"),
    "no mapping": ("own.yaml", "- title\n", "ablations/own.yaml: holds no keys"),
    "empty": ("own.yaml", "", "ablations/own.yaml: holds no keys"),
    "no question": ("own.yaml", "title: T\n", "ablations/own.yaml: the key 'question' is missing"),
    "unknown key": (
        "own.yaml",
        ABLATION + "restart: 0.5\n",
        "ablations/own.yaml:3: unknown key 'restart'; did you mean 'model.restart'?",
    ),
    "wrong type": ("own.yaml", ABLATION + "model: 3\n", "ablations/own.yaml:3: model: input should be"),
    "key twice": (
        "own.yaml",
        ABLATION + "model: {}\nmodel: {restart: 0.5}\n",
        "ablations/own.yaml:4: not valid YAML: the key 'model' is there twice",
    ),
    "yml": ("own.yml", ABLATION, "ablations/own.yml: is not read; rename it to own.yaml"),
    "space": ("my own.yaml", ABLATION, "ablations/my own.yaml: 'my own' is not a valid name"),
    "leading dash": ("-own.yaml", ABLATION, "ablations/-own.yaml: '-own' is not a valid name"),
    "sweep sign": ("own@1.yaml", ABLATION, "ablations/own@1.yaml: 'own@1' is not a valid name"),
    "bytes": ("own.yaml", "\udcff", "ablations/own.yaml: not valid YAML"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file_is_one_line_where_it_is_selected_and_harmless_elsewhere(
    project: Path, write: Write, case: str
) -> None:
    file, text, message = BROKEN[case]
    (project / "ablations" / file).write_bytes(text.encode(errors="surrogateescape"))
    name = Path(file).stem
    for selectors in (f"[cascade, '{name}']", "['*']"):
        with pytest.raises(InputError, match=f"^{message}") as error:
            select(project, write, selectors)
        assert "\n" not in str(error.value)
    assert select(project, write, "[cascade, walks]") == ["cascade", "walks_2", "walks_3"]
    assert name in Project(project).ablation_names


def test_broken_file_is_selected_by_a_tag_that_can_be_read(project: Path, write: Write) -> None:
    write("ablations/own.yaml", ABLATION + "tags: [walks]\nmodle: {}\n")
    with pytest.raises(InputError, match="^ablations/own.yaml:4: unknown key 'modle'; did you mean 'model'"):
        select(project, write, "[cascade, walks]")


def test_file_whose_tags_cannot_be_read_is_mentioned(project: Path, write: Write) -> None:
    write("workflow/benchmarks/small.yaml", "title: B\n")
    assert plan(Project(project), {"benchmarks": ["small"]}).left_out == []
    write("ablations/own.yaml", "tags: [headline\n")
    (line,) = plan(Project(project), {"benchmarks": ["small"]}).left_out
    assert line.startswith("ablations/own.yaml:2: not valid YAML")


@pytest.mark.parametrize("twin", ["cascade.yml", "Cascade.yaml", "CASCADE.YML"])
def test_two_files_of_one_name(project: Path, write: Write, twin: str) -> None:
    write(f"ablations/{twin}", ABLATION)
    with pytest.raises(InputError, match=r"(?i)^ablations/\w+.ya?ml: is called like ablations/"):
        Project(project).ablation("cascade")
    assert select(project, write, "[walks]", reference="walks_2") == ["walks_2", "walks_3"]


def test_benchmark_of_a_bad_name(project: Path, write: Write) -> None:
    write("workflow/benchmarks/my own.yaml", "title: T\n")
    with pytest.raises(InputError, match="'my own' is not a valid name"):
        Project(project).benchmark("my own")


def test_claims_name_ablations_of_the_project() -> None:
    named = {claim.id: claim.variants for claim in CATALOGUE.claims.claims}
    assert {name for variants in named.values() for name in variants} <= {*CATALOGUE.ablation_names}
    assert len(named["C7"]) == 6 and named["C4"] == [] and "matched_exact" not in named["C3"]


def test_a_claim_that_names_an_unknown_ablation(project: Path, write: Write) -> None:
    text = (PROJECT / "workflow" / "claims.yaml").read_text()
    write("ablations/cascade.yaml", ABLATION)
    write("workflow/claims.yaml", text.replace("reference: deeplab}", "reference: deeplabs}", 1))
    with pytest.raises(InputError, match=r"^workflow/claims.yaml: C1: unknown ablation 'deeplabs'"):
        _ = Project(project).claims
