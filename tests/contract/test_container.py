"""Containerfile and apptainer.def make one image, from files that are there."""

from __future__ import annotations

import re
import tomllib

from tests.conftest import PROJECT

CONTAINERFILE = (PROJECT / "Containerfile").read_text()
APPTAINER = (PROJECT / "apptainer.def").read_text()


def section(name: str) -> list[str]:
    """The lines of a section of the definition."""
    text = APPTAINER.partition(f"%{name}\n")[2].partition("\n%")[0]
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_the_steps_are_the_same() -> None:
    steps = re.findall(r"^(?:RUN (.*)|WORKDIR (.*))$", CONTAINERFILE, re.MULTILINE)
    assert section("post") == [run or f"cd {folder}" for run, folder in steps]
    (base,) = re.findall(r"^ARG BASE=docker.io/library/(.*)$", CONTAINERFILE, re.MULTILINE)
    assert f"\nFrom: {base}\n" in APPTAINER
    (variables,) = re.findall(r"^ENV (.*)$", CONTAINERFILE, re.MULTILINE)
    assert section("environment") == [f"export {variables}"]


def test_the_files_are_the_same_and_enough() -> None:
    copied = [
        name for line in re.findall(r"^COPY (.*) \S+$", CONTAINERFILE, re.MULTILINE) for name in line.split()
    ]
    assert section("files") == [f"{name} /opt/difnet/" for name in copied]
    assert all((PROJECT / name).exists() for name in copied)
    made_of = (PROJECT / "Makefile").read_text().partition("$(VENV)/ready: ")[2].partition("\n")[0].split()
    packaged = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert {*made_of, "Makefile", *packaged["packages"], *packaged["force-include"]} <= {*copied}
