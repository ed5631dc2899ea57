"""A stage re-runs when what its code says changes, and only then."""

from __future__ import annotations

import ast
from pathlib import Path

import grimp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from difnet.config import source_code
from difnet.config.source_code import ENTRIES, PACKAGE, code_sha256, python_sha256, reached

SOURCE = '''
"""Module."""
LIMIT = 0
"""What it limits."""


class Walk:
    """A walk."""

    steps = 1

    def run(self, values: list[int]) -> int:
        """Sum."""
        return sum(value for value in values if value > LIMIT)
'''


@pytest.mark.parametrize(
    "edit",
    [
        ("class Walk", "# a comment\n\nclass Walk"),
        ('"""Sum."""', '"""Sum of the values, as in the paper."""'),
        ('"""Sum."""', ""),
        ('"""What it limits."""', ""),
        ("sum(value", "sum(\n            value"),
    ],
)
def test_comments_docstrings_and_layout_say_nothing(edit: tuple[str, str]) -> None:
    assert edit[0] in SOURCE
    assert python_sha256(SOURCE.replace(*edit).encode()) == python_sha256(SOURCE.encode())


@pytest.mark.parametrize(
    "edit",
    [
        ("LIMIT = 0", "LIMIT = False"),
        ("LIMIT = 0", "LIMIT = 0.0"),
        ("LIMIT = 0", "LIMIT = None"),
        ("LIMIT = 0", "LIMIT = ''"),
        ("steps = 1", "steps = 2"),
        ("value > LIMIT", "value >= LIMIT"),
        ("list[int]", "list[float]"),
        ("def run", "async def run"),
    ],
)
def test_every_other_change_counts(edit: tuple[str, str]) -> None:
    assert edit[0] in SOURCE
    assert python_sha256(SOURCE.replace(*edit).encode()) != python_sha256(SOURCE.encode())


FILES = sorted(PACKAGE.rglob("*.py"))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(path=st.sampled_from(FILES), data=st.data())
def test_a_changed_constant_of_any_file_of_the_library_counts(path: Path, data: st.DataObject) -> None:
    tree = ast.parse(path.read_text())
    numbers = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is int]
    if numbers:
        before = python_sha256(ast.unparse(tree).encode())
        data.draw(st.sampled_from(numbers)).value += 1
        assert python_sha256(ast.unparse(tree).encode()) != before


def test_what_is_not_python_is_hashed_as_it_is() -> None:
    assert python_sha256(b"def (") != python_sha256(b"def  (")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("difnet", cache_dir=None)


@pytest.mark.parametrize("stage", ENTRIES)
def test_reaches_every_import_that_is_no_re_export(graph: grimp.ImportGraph, stage: str) -> None:
    modules = reached(*ENTRIES[stage])
    packages = {path.parent for path in PACKAGE.rglob("__init__.py")}
    for name in modules:
        for other in graph.find_modules_directly_imported_by(name):
            is_package = PACKAGE.parent.joinpath(*other.split(".")) in packages
            assert other in modules or is_package, f"{name} imports {other}"


def test_stages_reach_what_they_run_and_nothing_else() -> None:
    train, evaluate, analyse = (reached(*ENTRIES[stage]) for stage in ("train", "evaluate", "analyse"))
    assert {"difnet.training.recipe", "difnet.diffusion.walk", "difnet.data.batches"} <= train
    assert not {name for name in train if name.startswith(("difnet.metrics", "difnet.report", "difnet.cli"))}
    assert {f"difnet.metrics.{path.stem}" for path in (PACKAGE / "metrics").glob("[!_]*.py")} <= evaluate
    assert not {name for name in analyse if name.startswith(("difnet.training", "difnet.models"))}
    assert "difnet.config.benchmark_plan" not in train


def test_a_data_set_counts_where_it_is_selected() -> None:
    hashes = {name: code_sha256("prepare", dataset=name) for name in ("shapes", "camvid", "voc2012")}
    assert len({*hashes.values()}) == 3


def test_templates_and_styles_count_for_the_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = code_sha256("report")
    (tmp_path / "style.css").write_text("a {}")
    monkeypatch.setattr(source_code, "TEMPLATES", tmp_path)
    other = code_sha256("report")
    (tmp_path / "style.css").write_text("b {}")
    assert len({before, other, code_sha256("report")}) == 3
