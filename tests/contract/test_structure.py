"""What a newcomer may rely on when looking for a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import PROJECT

LIBRARY = PROJECT / "difnet"
FILES = [path for path in sorted(LIBRARY.rglob("*.py")) if path.name != "__init__.py"]


def test_a_base_name_is_one_file() -> None:
    count = Counter(path.name for path in FILES)
    assert {name: number for name, number in count.items() if number > 1} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_a_file_says_what_it_is_and_is_no_catch_all(path: Path) -> None:
    text = path.read_text()
    assert text.startswith('"""')
    assert text.count("\n") <= 300


def test_the_map_of_the_readme_names_every_package() -> None:
    readme = (PROJECT / "README.md").read_text()
    packages = {path.parent.name for path in LIBRARY.rglob("__init__.py")} - {"difnet"}
    unnamed = {name for name in packages if f" {name}/ " not in readme}
    assert unnamed <= {"figures", "sections", "shapes"}
