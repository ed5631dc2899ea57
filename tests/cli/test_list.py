"""`difnet list` and `difnet new-ablation` as a user calls them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from difnet.config import Project, resolve_run
from difnet.models import build_from_config
from tests.conftest import CATALOGUE, PROJECT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project with the catalogue and the benchmarks of this one."""
    for folder in ("ablations", "workflow"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    return tmp_path


def difnet(*arguments: str, cwd: Path = PROJECT, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "difnet", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == (1 if code else 0)
    return done.stderr if code else done.stdout


def test_the_whole_catalogue_at_once() -> None:
    listed = difnet("list")
    assert set(CATALOGUE.ablation_names) <= set(re.findall(r"^  (\S+)", listed, re.MULTILINE))
    assert re.search(r"shapes-all +Shapes, all ablations", listed)
    assert re.search(r"no_importance +\[importance\] Does the importance map help", listed)


def test_by_tag_and_glob() -> None:
    rows = difnet("list", "walks", "matched_*5").splitlines()
    assert [row.split()[0] for row in rows] == [
        "no_skip",
        "nothing_learned",
        "restart_0.1",
        "restart_0.5",
        "restart_0.9",
        "walks_2",
        "walks_3",
        "matched_exact_walked_5",
        "matched_walks_5",
    ]


def test_broken_file_is_shown_with_its_line(copy: Path) -> None:
    (copy / "ablations" / "own.yaml").write_text("title: T\nquestion: Q\nmodle: {}\n")
    (copy / "workflow" / "benchmarks" / "own.yml").write_text("title: T\n")
    listed = difnet("list", cwd=copy)
    assert re.search(r"own +broken: ablations/own.yaml:3: unknown key 'modle'", listed)
    assert re.search(r"own +broken: workflow/benchmarks/own.yml: is not read; rename it to own.yaml", listed)


def test_cost_of_every_variant(copy: Path) -> None:
    rows = difnet("list", "--benchmark", "tiny", "deeplab", "walks_3", "oracle_1", cwd=copy).splitlines()
    assert rows[0].split() == ["variant", "parameters", "GFLOP/step", "min/run", "GPU", "h/run", "question"]
    cost = {row.split()[0]: row.split()[1:4] for row in rows[1:]}
    assert list(cost) == ["cascade", "deeplab", "walks_3", "oracle_1"]
    assert not (copy / "results").exists(), "nothing is prepared"
    deeplab = resolve_run(CATALOGUE, benchmark="tiny", ablation="deeplab", seed=0)
    network = build_from_config(deeplab.model, num_classes=7)
    parameters = sum(weight.numel() for weight in network.parameters())
    assert int(cost["deeplab"][0].replace(",", "")) == parameters
    assert float(cost["deeplab"][1]) < float(cost["cascade"][1]) <= float(cost["walks_3"][1])
    assert cost["oracle_1"][2] == "0.0"


@pytest.mark.parametrize(("part", "files"), [((), [".yaml"]), (("--with", "diffusion"), [".py", ".yaml"])])
def test_new_ablation(copy: Path, part: tuple[str, ...], files: list[str]) -> None:
    written = difnet("new-ablation", "my-own.1", "--extends", "walks_2", *part, cwd=copy).splitlines()
    assert sorted(Path(path).suffix for path in written) == files
    assert Project(copy).ablation("my-own.1").extends == "walks_2"
    run = resolve_run(Project(copy), benchmark="tiny", ablation="my-own.1", seed=0)
    assert run.model.repeats == 2
    assert (run.diffusion_sha256 is not None) == (".py" in files)


def test_new_section_has_no_runs(copy: Path) -> None:
    written = difnet("new-ablation", "my-own.1", "--with", "rules", cwd=copy).splitlines()
    assert sorted(Path(path).suffix for path in written) == [".smk", ".yaml"]
    assert "rule my_own_1_section:" in (copy / "ablations" / "my-own.1.smk").read_text()
    assert Project(copy).ablation("my-own.1").runs is False


def test_new_rule_works(copy: Path) -> None:
    difnet("new-ablation", "1e5", "--with", "diffusion", cwd=copy)
    code = "from difnet.models.custom_rules import load_diffusion; from difnet.config import ModelConfig\n"
    code += "import torch; from pathlib import Path\n"
    code += "rule = load_diffusion(Path('.'), '1e5')(ModelConfig())\n"
    code += "print(tuple(rule([torch.randn(2, 8, 12)] * 5, torch.ones(2, 3, 12)).shape))"
    done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=True)
    assert done.stdout == "(2, 3, 12)\n"
    assert resolve_run(Project(copy), benchmark="tiny", ablation="1e5", seed=0).model.diffusion == "1e5"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cascade"], "ablations/cascade.yaml exists already"),
        (["Cascade"], "ablations/cascade.yaml exists already"),
        (["rule"], "ablations/rule.py exists already"),
        (["my own"], "'my own' is not a valid name"),
        (["../own"], "'../own' is not a valid name"),
        (["a@b=1"], "'a@b=1' is not a valid name"),
        (["own", "--extends", "cascad"], "unknown ablation 'cascad'; did you mean 'cascade'?"),
        (["own", "--with", "rules", "--extends", "cascade"], "--extends: --with rules has no runs"),
        (["none", "--with", "diffusion"], "'none' is a diffusion rule of the library; choose another name"),
        (["own", "--with", "smk"], "'smk' is not one of 'diffusion', 'rules'"),
    ],
)
def test_mistakes(copy: Path, arguments: list[str], message: str) -> None:
    (copy / "ablations" / "rule.py").touch()
    before = sorted(copy.rglob("*"))
    assert message in difnet("new-ablation", *arguments, cwd=copy, code=2)
    assert sorted(copy.rglob("*")) == before
