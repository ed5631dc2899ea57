"""The command line as a user calls it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

COMMANDS = [
    *("prepare", "train", "evaluate", "time", "analyse", "gallery", "report", "predict", "lease"),
    *("status", "diff", "plan", "pretext", "list", "new-ablation", "clean"),
]


def difnet(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "difnet", *arguments], capture_output=True, text=True, check=False, cwd=cwd
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str) -> None:
    shown = difnet(command, "--help")
    assert shown.returncode == 0
    assert "Example: difnet " + command in shown.stdout


def test_alone_it_shows_its_help_and_its_version() -> None:
    shown = difnet()
    assert shown.returncode == 0 and "COMMAND [ARGS]" in shown.stdout and "new-ablation" in shown.stdout
    assert difnet("--version").stdout == f"difnet {version('difnet')}\n"


def test_listing_does_not_import_pytorch() -> None:
    code = """
import sys
from difnet.cli.main import main
sys.argv = ["difnet", "list"]
try:
    main()
except SystemExit:
    sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "No such command"),
        (["train", "--bench", "x"], "No such option"),
        (["train", "--benchmark", "shapes"], "--ablation is missing; give a run directory, or --benchmark"),
        (
            ["train", "--benchmark", "shapse", "--ablation", "cascade", "--seed", "0", "--out", "x"],
            "difnet: --benchmark: unknown benchmark 'shapse'; did you mean 'shapes'?",
        ),
        (["train", "--seed", "-1"], "Invalid value for '--seed': Input should be greater than or equal to 0"),
        (["plan", "tiny", "--sweep", "model.restart=1"], "write it as 'section.key=[value, value]'"),
        (["prepare", "shapse"], "unknown benchmark 'shapse'"),
        (["evaluate", "nowhere"], "nowhere/config.yaml: cannot be read"),
        (["time", "--benchmark", "shapse", "--out", "x"], "--benchmark: unknown benchmark 'shapse'"),
        (["time", "--benchmark", "tiny", "--out", "x", "--seed", "-1"], "--seed: input should be greater"),
        (["time", "--benchmark", "tiny", "--out", "x", "--set", "steps=3"], "did you mean 'train.steps' or"),
        (["analyse", "nowhere", "--out", "x"], "nowhere"),
        (["plan", "shapse"], "unknown benchmark 'shapse'; did you mean 'shapes'?"),
        (["train", "nowhere"], "nowhere/config.yaml: cannot be read"),
        (["train", "nowhere", "--seed", "1"], "--seed: nowhere holds its configuration"),
        (["time", "nowhere"], "nowhere/plan.json does not exist: nowhere is no folder of results"),
        (["time"], "time: give a folder of results, or --benchmark with --out or --estimate"),
        (["report", "nowhere"], "nowhere/plan.json does not exist: nowhere is no folder of results"),
        (["list", "levls"], "no ablation has the name or tag 'levls'; did you mean 'levels'?"),
        (["list", "--benchmark", "shapse"], "--benchmark: unknown benchmark"),
        (["predict", "x.png", "--out", "y"], "Missing option '--weights'"),
        (["predict", "x.png", "--out", "y", "--weights", "z"], "z: cannot be read: No such file"),
        (["predict", "x.png", "--out", "y", "--weights", "z", "--similarity", "3"], "ROW,COLUMN is expected"),
        (["lease", "no-such-program", "--x"], "no-such-program: cannot be run"),
    ],
)
def test_mistake_is_one_line_with_exit_code_2(arguments: list[str], message: str) -> None:
    failed = difnet(*arguments)
    assert failed.returncode == 2
    assert message in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert not failed.stdout


def test_outside_any_project_the_installed_checkout_is_used(tmp_path: Path) -> None:
    listed = difnet("list", cwd=tmp_path)
    assert listed.returncode == 0
    assert "cascade" in listed.stdout
    assert not list(tmp_path.iterdir())


def test_a_leased_command_keeps_its_arguments_and_exit_code() -> None:
    code = "import sys; sys.exit(7 if sys.argv[1:] == ['--gpus', '9'] else 1)"
    assert difnet("lease", "--gpus", "0", sys.executable, "-c", code, "--gpus", "9").returncode == 7


def test_an_interrupt_while_modules_are_imported_is_one_line() -> None:
    code = """
import sys
from difnet.cli.main import main

class Interrupt:
    def find_spec(name, *_):
        if name == "difnet.cli.app":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt)
main()
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "difnet: interrupted\n")


def run_with(raising: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """`difnet list` where the catalogue raises an error."""
    code = f"""
import sys
from difnet.cli import app, main
def fail(*_):
    {raising}
app.app.registered_commands[:] = []
app.app.command("list")(lambda: fail())
app.app.command("other")(lambda: None)
sys.argv = ["difnet", "list"]
main.main()
"""
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | environment,
    )


@pytest.mark.parametrize(
    ("raising", "line"),
    [
        ("raise OSError(30, 'Read-only file system', '/a/b')", "/a/b: Read-only file system"),
        ("open('x' * 300)", "x" * 300 + ": File name too long"),
        (
            "import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); os.getcwd()",
            "the working directory: No such file or directory",
        ),
        ("raise MemoryError('9 GiB asked for')", "out of memory: 9 GiB asked for"),
    ],
)
def test_what_the_system_refuses_is_one_line(raising: str, line: str, tmp_path: Path) -> None:
    failed = run_with(raising, tmp_path)
    assert (failed.returncode, failed.stdout, failed.stderr) == (1, "", f"difnet: {line}\n")


def test_memory_that_runs_out_in_pytorch_is_one_line() -> None:
    failed = run_with("raise RuntimeError('CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling\\nmore')")
    assert failed.returncode == 1
    assert re.fullmatch(
        r"difnet: out of memory on the .PU: more asked for, [\d.]+ GiB free; end what else .*\n",
        failed.stderr,
    )


def test_the_end_of_a_file_is_no_interrupt() -> None:
    failed = run_with("raise EOFError('Ran out of input')")
    assert failed.returncode == 1 and failed.stderr.endswith("EOFError: Ran out of input\n")


def test_names_that_a_terminal_has_no_letters_for() -> None:
    shown = run_with("print('\u56fe.png')", PYTHONIOENCODING="latin-1")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "\\u56fe.png\n", "")


def test_the_entry_point_imports_nothing_before_it_can_be_interrupted() -> None:
    code = "import sys, difnet.cli.main; sys.exit(bool({'typer', 'difnet.config'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
