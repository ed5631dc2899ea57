"""docs/fidelity.md names tests, ablations and benchmarks that there are."""

from __future__ import annotations

import re

from difnet.config import match_ablations
from tests.conftest import CATALOGUE, PROJECT

PAGE = (PROJECT / "docs" / "fidelity.md").read_text()


def test_every_test_that_it_names_is_there() -> None:
    tests = "\n".join(path.read_text() for path in (PROJECT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 12
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_every_choice_of_the_authors_is_in_its_table() -> None:
    assert {f"`{name}`" for name in match_ablations(CATALOGUE, ["authors"])} <= set(
        re.findall(r"`\w+`", PAGE)
    )
    assert set(re.findall(r"`(voc2012[\w-]*)`", PAGE)) <= set(CATALOGUE.benchmark_names)
