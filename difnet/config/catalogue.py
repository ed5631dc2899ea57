"""The benchmarks and ablations of a project, found by file name."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from difnet.config.errors import InputError
from difnet.config.files import Schema, nearest, read_yaml, validate
from difnet.config.lines import line_of
from difnet.config.schema import AblationConfig, BenchmarkConfig
from difnet.config.sweep import sweep_points

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""What a benchmark or ablation may be called: its name becomes a folder of the results."""


def benchmark_names(root: Path) -> list[str]:
    """Names of all benchmarks of a project."""
    return sorted(_files(_benchmarks(root)))


def ablation_names(root: Path) -> list[str]:
    """Names of all ablations of a project, valid or not."""
    return sorted(_files(_ablations(root)))


def load_benchmark(root: Path, name: str) -> BenchmarkConfig:
    """One benchmark by name.

    Raises:
        InputError: If it does not exist or is not valid.
    """
    benchmark = _load(BenchmarkConfig, "benchmark", root, _benchmarks(root), name)
    try:
        sweep_points(benchmark)
    except InputError as error:
        raise InputError(f"{place(root, _benchmarks(root) / f'{name}.yaml', 'sweep')}: {error}") from error
    return benchmark


def load_ablation(root: Path, name: str) -> AblationConfig:
    """One ablation by name.

    Raises:
        InputError: If it does not exist or is not valid.
    """
    return _load(AblationConfig, "ablation", root, _ablations(root), name)


def check_name(name: str, source: str = "") -> None:
    """Refuse a name that could not be a folder of the results.

    Raises:
        InputError: If it holds anything but letters, digits, `_`, `-` and `.`, or starts with a sign.
    """
    if not NAME.fullmatch(name):
        raise InputError(
            f"{source}'{name}' is not a valid name; use letters, digits, '_', '-' and '.', "
            "first a letter or digit"
        )


def ablation_tags(root: Path) -> dict[str, tuple[str, ...] | None]:
    """Tags of every ablation, also where it is not valid otherwise; None where they cannot be read."""
    return {name: _tags(files) for name, files in sorted(_files(_ablations(root)).items())}


def place(root: Path, path: Path, *keys: str) -> str:
    """`ablations/own.yaml:4`: a file of the project, and the line of a key in it."""
    line = line_of(path.read_text(encoding="utf-8"), keys)
    return f"{path.relative_to(root)}{f':{line}' if line else ''}"


def _benchmarks(root: Path) -> Path:
    return root / "workflow" / "benchmarks"


def _ablations(root: Path) -> Path:
    return root / "ablations"


def _files(folder: Path) -> dict[str, list[Path]]:
    """The YAML files of a folder by name; more than one a name where they differ in their suffix."""
    files: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in {".yaml", ".yml"} and not path.name.startswith("."):
            files[path.stem].append(path)
    return files


def _tags(files: list[Path]) -> tuple[str, ...] | None:
    tags: list[str] = []
    for path in files:
        try:
            found = read_yaml(path).get("tags") or []
        except InputError:
            return None
        tags += [str(tag) for tag in found] if isinstance(found, list) else [str(found)]
    return tuple(tags)


def _load(schema: type[Schema], kind: str, root: Path, folder: Path, name: str) -> Schema:
    files = _files(folder)
    if name not in files:
        raise InputError(f"unknown {kind} '{name}'{nearest(name, list(files))}")
    path, *others = [path for stem in files if stem.casefold() == name.casefold() for path in files[stem]]
    shown = path.relative_to(root)
    if others:
        raise InputError(f"{shown}: is called like {others[0].relative_to(root)}; rename one of the two")
    check_name(name, f"{shown}: ")
    if path.suffix != ".yaml":
        raise InputError(f"{shown}: is not read; rename it to {name}.yaml")
    return validate(schema, read_yaml(path, shown), shown, text=path.read_text(encoding="utf-8"))
