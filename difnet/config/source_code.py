"""What code a stage of the pipeline runs, as a hash that comments, docstrings and layout do not change.

A stage reaches the modules that its entry modules import, directly or not. Where a package's `__init__`
only passes a name on, the module that defines the name counts and not the package: editing one module
re-runs the stages that reach it and no others.
"""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Literal

Stage = Literal["prepare", "pretext", "train", "evaluate", "gallery", "time", "analyse", "report"]

ENTRIES: dict[Stage, tuple[str, ...]] = {
    "prepare": ("difnet.data.prepare",),
    "pretext": ("difnet.training.train_pretext",),
    "train": ("difnet.training.train_run",),
    "evaluate": ("difnet.evaluation.evaluate_run", "difnet.metrics.*"),
    "gallery": ("difnet.evaluation.write_gallery",),
    "time": ("difnet.timing.benchmark",),
    "analyse": ("difnet.analysis.analyse_runs", "difnet.metrics.*"),
    "report": ("difnet.report.render", "difnet.report.sections.*"),
}
"""Modules that a stage starts from; `*`: all of a package whose modules are found by their names."""
PACKAGE = Path(__file__).resolve().parents[1]
TEMPLATES = PACKAGE / "report" / "templates"


def code_sha256(stage: Stage, *, dataset: str | None = None) -> str:
    """Hash of the code that a stage reaches.

    Args:
        stage: The stage.
        dataset: Name of the data set that it opens, which is found by name and not by an import.
    """
    found = [] if dataset is None else [f"difnet.data.datasets.{dataset}"]
    digest = hashlib.sha256()
    for name in sorted(reached(*ENTRIES[stage], *found)):
        digest.update(f"{name} {_module_sha256(name)}\n".encode())
    if stage == "report":
        for path in sorted(TEMPLATES.rglob("*.*")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def reached(*entries: str) -> set[str]:
    """Names of the modules of the library that some modules import, directly or not, themselves included."""
    modules: set[str] = set()
    waiting = [name for entry in entries for name in _expanded(entry)]
    while waiting:
        name = waiting.pop()
        if name not in modules:
            modules.add(name)
            waiting += _imports(name)
    return modules


def python_sha256(source: bytes) -> str:
    """Hash of what a Python file says: equal whatever its comments, docstrings and layout are.

    Bytes that are not Python are hashed as they are.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return hashlib.sha256(source).hexdigest()
    return _sha256(tree)


def _expanded(entry: str) -> list[str]:
    package, _, name = entry.rpartition(".")
    if name != "*":
        return [entry]
    return [f"{package}.{path.stem}" for path in _file(package).parent.glob("*.py") if path.stem[0] != "_"]


@cache
def _imports(name: str) -> list[str]:
    """The modules that one module imports, wherever in its text."""
    modules: list[str] = []
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names if alias.name.startswith("difnet.")]
        elif isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "difnet":
            modules += [_defining(str(node.module), alias.name) for alias in node.names]
    return [module for module in modules if _file(module).is_file()]


def _defining(package: str, name: str) -> str:
    """The module that defines what `from package import name` gives."""
    if _file(f"{package}.{name}").is_file():
        return f"{package}.{name}"
    for node in _tree(package).body:
        if isinstance(node, ast.ImportFrom) and name in [alias.asname or alias.name for alias in node.names]:
            return _defining(str(node.module), name)
    return package


@cache
def _module_sha256(name: str) -> str:
    """As `python_sha256`; most modules are reached by several stages."""
    return _sha256(_tree(name))


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse(_file(name).read_bytes())


def _file(name: str) -> Path:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _sha256(tree: ast.Module) -> str:
    return hashlib.sha256(json.dumps(_plain(tree)).encode()).hexdigest()


def _plain(node: object) -> object:
    """A syntax tree as lists; empty fields are left out, since versions of Python differ in them."""
    if isinstance(node, ast.AST):
        fields = {name: value for name, value in ast.iter_fields(node) if name not in {"kind", "ctx"}}
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            fields["body"] = [statement for statement in node.body if not _is_text(statement)]
        filled = {name: value for name, value in fields.items() if value is not None and value != []}
        return [type(node).__name__, *([name, _plain(value)] for name, value in filled.items())]
    return [_plain(item) for item in node] if isinstance(node, list) else repr(node)


def _is_text(statement: ast.stmt) -> bool:
    """Whether it is a docstring, or the text below an attribute, which does nothing either."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
