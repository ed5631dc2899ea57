"""Laying out a project, and bringing it up to another version."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import difnet
from difnet.config import InputError, Project, project_files, project_root, work_folder
from difnet.config.project_files import PARTS, check_version, installed_files, lay_out
from tests.conftest import PROJECT


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    lay_out(tmp_path / "study")
    return tmp_path / "study"


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of a later version: one changed, one gone, one new."""
    later = tmp_path / "later"
    for part in PARTS:
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(source, later / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            later.mkdir()
            shutil.copy(source, later)
    snakefile = later / "Snakefile"
    snakefile.write_text(snakefile.read_text() + "# later\n")
    (later / "workflow" / "benchmarks" / "context.yaml").unlink()
    (later / "ablations" / "later.yaml").write_text("title: later\n")
    monkeypatch.setattr(project_files, "installed_files", lambda: later)
    monkeypatch.setattr(difnet, "__version__", "9.9.9")
    return later


def test_a_project_has_the_files_of_the_checkout(project: Path) -> None:
    assert installed_files() == PROJECT
    for name in (
        "Snakefile",
        "workflow/claims.yaml",
        "ablations/cascade.yaml",
        "profiles/default/config.v9+.yaml",
    ):
        assert (project / name).read_bytes() == (PROJECT / name).read_bytes()
    assert Project(project).ablation_names == Project(PROJECT).ablation_names
    assert Project(project).claims == Project(PROJECT).claims
    assert not [name for name in contents(project) if "__pycache__" in name]
    check_version(project)


def test_again_changes_nothing(project: Path) -> None:
    before = contents(project)
    done = lay_out(project)
    assert (done.written, done.removed, done.kept) == ((), (), ())
    assert contents(project) == before


def test_another_version_brings_up_what_is_unchanged(project: Path, next_version: Path) -> None:
    with pytest.raises(
        InputError, match=r"laid out by difnet 0\.\d\.\d, installed is 9\.9\.9; run 'difnet init"
    ):
        check_version(project)
    done = lay_out(project)
    assert done.written == ("Snakefile", "ablations/later.yaml") and done.kept == ()
    assert done.removed == ("workflow/benchmarks/context.yaml",)
    assert (project / "Snakefile").read_text().endswith("# later\n")
    check_version(project)


def test_another_version_keeps_what_is_theirs(project: Path, next_version: Path) -> None:
    (project / "Snakefile").write_text("# mine\n")
    (project / "workflow" / "benchmarks" / "context.yaml").write_text("# mine\n")
    (project / "workflow" / "config.yaml").write_text("benchmarks: [tiny]\n")
    (project / "ablations" / "my_own.yaml").write_text("# mine\n")
    done = lay_out(project)
    assert done.kept == ("Snakefile",)  # the one that the version has changed too
    assert done.written == ("ablations/later.yaml",) and done.removed == ()
    assert (project / "Snakefile").read_text() == "# mine\n"
    assert (project / "workflow" / "config.yaml").read_text() == "benchmarks: [tiny]\n"
    assert (project / "workflow" / "benchmarks" / "context.yaml").read_text() == "# mine\n"
    assert (project / "ablations" / "my_own.yaml").read_text() == "# mine\n"
    assert lay_out(project).kept == ()


def test_what_was_deleted_stays_so(project: Path, next_version: Path) -> None:
    (project / "ablations" / "deeplab.yaml").unlink()
    (project / "Snakefile").unlink()
    assert lay_out(project).kept == ("Snakefile",)
    assert not (project / "ablations" / "deeplab.yaml").exists() and not (project / "Snakefile").exists()


def test_files_of_others_stop_it(tmp_path: Path) -> None:
    (tmp_path / "workflow").mkdir()
    (tmp_path / "Snakefile").write_text("rule all:\n")
    (tmp_path / "workflow" / "config.yaml").write_text("mine: 1\n")
    (tmp_path / "notes.txt").write_text("mine\n")
    before = contents(tmp_path)
    with pytest.raises(
        InputError, match=r"holds Snakefile, workflow/config\.yaml, not written by difnet init"
    ):
        lay_out(tmp_path)
    assert contents(tmp_path) == before
    (tmp_path / "Snakefile").unlink()
    (tmp_path / "workflow" / "config.yaml").unlink()
    lay_out(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine\n"


def test_the_checkout_is_a_project_already() -> None:
    with pytest.raises(InputError, match="is the checkout that difnet was installed from"):
        lay_out(PROJECT)


def test_a_damaged_record(project: Path) -> None:
    record = project / ".difnet.json"
    record.write_text(record.read_text().replace('"version": "0', '"version": "1'))
    for check in (lay_out, check_version):
        with pytest.raises(InputError, match=r"\.difnet\.json: is damaged"):
            check(project)


def test_outside_a_project_the_installed_files_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results lie in the current folder where the files are those in the wheel."""
    monkeypatch.chdir(tmp_path)
    assert project_root() == work_folder() == PROJECT
    monkeypatch.setattr("difnet.config.project.is_packaged", lambda root: root == PROJECT)
    assert work_folder() == tmp_path and Project().results == tmp_path / "results"
    assert "tiny" in Project().benchmark_names
