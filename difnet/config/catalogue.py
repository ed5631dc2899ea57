"""The benchmarks and ablations of a project, found by file name."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from difnet.config.errors import InputError
from difnet.config.files import nearest, read_yaml, validate
from difnet.config.schema import AblationConfig, BenchmarkConfig


def benchmark_names(root: Path) -> list[str]:
    """Names of all benchmarks of a project."""
    return sorted(path.stem for path in (root / "workflow" / "benchmarks").glob("*.yaml"))


def ablation_names(root: Path) -> list[str]:
    """Names of all ablations of a project."""
    return sorted(path.stem for path in (root / "ablations").glob("*.yaml"))


def load_benchmark(root: Path, name: str) -> BenchmarkConfig:
    """One benchmark by name.

    Raises:
        InputError: If it does not exist or is not valid.
    """
    if name not in benchmark_names(root):
        raise InputError(f"unknown benchmark '{name}'{nearest(name, benchmark_names(root))}")
    path = root / "workflow" / "benchmarks" / f"{name}.yaml"
    return validate(BenchmarkConfig, read_yaml(path), path.relative_to(root))


def load_ablation(root: Path, name: str) -> AblationConfig:
    """One ablation by name.

    Raises:
        InputError: If it does not exist or is not valid.
    """
    if name not in ablation_names(root):
        raise InputError(f"unknown ablation '{name}'{nearest(name, ablation_names(root))}")
    path = root / "ablations" / f"{name}.yaml"
    return validate(AblationConfig, read_yaml(path), path.relative_to(root))


def select_ablations(root: Path, benchmark: BenchmarkConfig) -> list[str]:
    """Names of the ablations that a benchmark selects, by name, tag or glob, the reference first.

    Raises:
        InputError: If a selector matches nothing, or the reference is not among the selected.
    """
    names = ablation_names(root)
    tags = {name: load_ablation(root, name).tags for name in names}
    selected: list[str] = []
    for selector in benchmark.ablations:
        matches = [name for name in names if fnmatchcase(name, selector) or selector in tags[name]]
        if not matches:
            known = sorted({*names, *(tag for group in tags.values() for tag in group)})
            raise InputError(f"no ablation has the name or tag '{selector}'{nearest(selector, known)}")
        selected += [name for name in matches if name not in selected]
    if benchmark.reference not in selected:
        raise InputError(
            f"the reference '{benchmark.reference}' is not selected; selected are {', '.join(selected)}"
        )
    return [benchmark.reference, *(name for name in selected if name != benchmark.reference)]
