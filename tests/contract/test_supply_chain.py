"""What is installed or run in CI is named by its content, not by a tag that may move."""

from __future__ import annotations

import re

import yaml

from tests.conftest import PROJECT

CI = (PROJECT / ".github" / "workflows" / "ci.yaml").read_text()


def test_actions_are_named_by_commit_and_may_only_read() -> None:
    actions = re.findall(r"uses: (\S+)", CI)
    assert len(actions) == 3
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", action) for action in actions)
    assert yaml.safe_load(CI)["permissions"] == {"contents": "read"}


def test_every_package_is_installed_by_hash() -> None:
    lines = re.findall(r"pip install .*", (PROJECT / "Makefile").read_text())
    assert len(lines) == 3
    assert all("--require-hashes" in line or line.endswith("--no-build-isolation -e .") for line in lines)
    lock = (PROJECT / "requirements.lock").read_text()
    pinned = re.split(r"(?m)^(?=\S)", lock)[1:]
    assert all(re.match(r"[\w.-]+==\S+", one) and "--hash=sha256:" in one for one in pinned)
    assert any(one.startswith("uv==") for one in pinned)
