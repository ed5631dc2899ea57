"""The benchmarks and ablations of a project; each of their files is read once."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property
from pathlib import Path

from difnet.config.claims import ClaimFile, read_claims
from difnet.config.errors import InputError
from difnet.config.files import Schema, YamlFile, read_yaml
from difnet.config.project_files import installed_files, is_packaged
from difnet.config.schema import AblationConfig, BenchmarkConfig
from difnet.config.suggestions import nearest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""What a benchmark or ablation may be called: its name becomes a folder of the results."""


def project_root() -> Path:
    """The nearest folder, from the current one upwards, with `ablations/` and `workflow/benchmarks/`.

    Outside any project it holds the files of the installed version: those in the wheel, or the checkout.
    """
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "workflow" / "benchmarks").is_dir() and (folder / "ablations").is_dir():
            return folder
    return installed_files()


def work_folder(root: Path | None = None) -> Path:
    """Where results and data lie: in the project, or in the current folder where that is part of the wheel.

    Args:
        root: The project; None for the one that the current folder is in.
    """
    root = project_root() if root is None else root
    return Path.cwd() if is_packaged(root) else root


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


class Project:
    """A folder with `ablations/` and `workflow/benchmarks/`, as it stands when its files are first read.

    Args:
        root: The folder; None for the one that the current folder is in.
    """

    def __init__(self, root: Path | None = None) -> None:
        """Remember the folder; nothing is read yet."""
        self.root = project_root() if root is None else root
        self._read: dict[Path, YamlFile | InputError] = {}
        self._valid: dict[Path, BenchmarkConfig | AblationConfig] = {}

    @property
    def results(self) -> Path:
        """Folder of the results."""
        return work_folder(self.root) / "results"

    @cached_property
    def claims(self) -> ClaimFile:
        """The claims of the paper.

        Raises:
            InputError: If `workflow/claims.yaml` is missing or not valid, or names an unknown ablation.
        """
        file = read_claims(self.root / "workflow" / "claims.yaml")
        for claim in file.claims:
            for variant in claim.variants:
                if variant not in self.ablation_names:
                    hint = nearest(variant, self.ablation_names)
                    raise InputError(f"workflow/claims.yaml: {claim.id}: unknown ablation '{variant}'{hint}")
        return file

    @property
    def benchmark_names(self) -> list[str]:
        """Names of all benchmarks, valid or not."""
        return sorted(self._benchmarks)

    @property
    def ablation_names(self) -> list[str]:
        """Names of all ablations, valid or not."""
        return sorted(self._ablations)

    def benchmark(self, name: str) -> BenchmarkConfig:
        """One benchmark by name.

        Raises:
            InputError: If it does not exist or is not valid.
        """
        return self._load(BenchmarkConfig, "benchmark", self._benchmarks, name)

    def ablation(self, name: str) -> AblationConfig:
        """One ablation by name.

        Raises:
            InputError: If it does not exist or is not valid.
        """
        return self._load(AblationConfig, "ablation", self._ablations, name)

    def benchmark_file(self, name: str) -> YamlFile:
        """The file of a benchmark that exists."""
        return self._yaml(self.root / "workflow" / "benchmarks" / f"{name}.yaml")

    def ablation_file(self, name: str) -> YamlFile:
        """The file of an ablation that exists."""
        return self._yaml(self._ablations[name][0])

    def rule_file(self, diffusion: str) -> Path:
        """Where the class of a diffusion rule of the user's own is, if it exists."""
        return self.root / "ablations" / f"{diffusion}.py"

    def rules_file(self, name: str) -> Path:
        """Where the workflow rules of an ablation are, if it has any."""
        return self.root / "ablations" / f"{name}.smk"

    def check_runs(self, name: str) -> None:
        """Refuse an ablation of no runs where a run of it is asked for.

        Raises:
            InputError: If it is one.
        """
        if not self.ablation(name).runs:
            place = self.ablation_file(name).place("runs")
            raise InputError(
                f"{place}: '{name}' has no runs, its rules only read results; name another ablation"
            )

    def sources(self, ablation: str, diffusion: str) -> dict[str, str]:
        """Texts by name: of an ablation's file, of those that it extends, and of its diffusion rule."""
        texts = {f"{name}.yaml": self.ablation_file(name).text for name in self.lineage(ablation)}
        rule = self.rule_file(diffusion)
        return texts | ({rule.name: rule.read_text(encoding="utf-8")} if rule.is_file() else {})

    def lineage(self, name: str) -> dict[str, AblationConfig]:
        """An ablation and what it extends, itself first.

        Raises:
            InputError: If one of them does not exist or is not valid, or `extends` is circular.
        """
        family = {name: self.ablation(name)}
        while parent := family[name].extends:
            if parent in family:
                circle = " -> ".join([*family, parent])
                place = self.ablation_file(name).place("extends")
                raise InputError(f"{place}: 'extends' is circular: {circle}")
            family[parent] = self._named(name, "extends", parent)
            name = parent
        return family

    def weights_of(self, name: str) -> str | None:
        """The ablation whose trained weights an ablation takes, its own or inherited; None: it is trained.

        Raises:
            InputError: If that ablation does not exist or takes weights of this one, or this one changes
                `train`.
        """
        needed = [name]
        while source := self._weights_source(needed[-1]):
            if source in needed:
                circle = " -> ".join([*needed, source])
                place = self.ablation_file(needed[-1]).place("weights_of")
                raise InputError(f"{place}: 'weights_of' is circular: {circle}")
            needed.append(source)
        return needed[1] if len(needed) > 1 else None

    def tags(self) -> dict[str, tuple[str, ...] | None]:
        """Tags of every ablation, also where it is not valid otherwise; None where they cannot be read."""
        return {name: self._tags(files) for name, files in sorted(self._ablations.items())}

    @cached_property
    def _benchmarks(self) -> dict[str, list[Path]]:
        return _yaml_files(self.root / "workflow" / "benchmarks")

    @cached_property
    def _ablations(self) -> dict[str, list[Path]]:
        return _yaml_files(self.root / "ablations")

    def _weights_source(self, name: str) -> str | None:
        trains: list[str] = []
        for member, ablation in self.lineage(name).items():
            if ablation.train:
                trains.append(member)
            if ablation.weights_of:
                if trains:
                    raise InputError(
                        f"{self.ablation_file(trains[0]).place('train')}: takes the weights of "
                        f"'{ablation.weights_of}', so nothing is trained; remove 'train' or 'weights_of'"
                    )
                self._named(member, "weights_of", ablation.weights_of)
                return ablation.weights_of
        return None

    def _named(self, name: str, key: str, other: str) -> AblationConfig:
        """The ablation that a key of another one names."""
        if other not in self._ablations:
            place = self.ablation_file(name).place(key)
            raise InputError(
                f"{place}: '{key}': unknown ablation '{other}'{nearest(other, list(self._ablations))}"
            )
        self.check_runs(other)
        return self.ablation(other)

    def _tags(self, files: list[Path]) -> tuple[str, ...] | None:
        tags: list[str] = []
        for path in files:
            try:
                found = self._yaml(path).values.get("tags") or []
            except InputError:
                return None
            tags += [str(tag) for tag in found] if isinstance(found, list) else [str(found)]
        return tuple(tags)

    def _load(self, schema: type[Schema], kind: str, found: dict[str, list[Path]], name: str) -> Schema:
        if name not in found:
            raise InputError(f"unknown {kind} '{name}'{nearest(name, list(found))}")
        # On some file systems `Own.yaml` and `own.yaml` are one file, and so are their folders of results.
        same = [path for stem in found if stem.casefold() == name.casefold() for path in found[stem]]
        path, *others = same
        shown = path.relative_to(self.root)
        if others:
            other = others[0].relative_to(self.root)
            raise InputError(f"{shown}: is called like {other}; rename one of the two")
        if path not in self._valid:
            check_name(name, f"{shown}: ")
            if path.suffix != ".yaml":
                raise InputError(f"{shown}: is not read; rename it to {name}.yaml")
            self._valid[path] = self._yaml(path).check(schema)  # type: ignore[assignment]
        return self._valid[path]  # type: ignore[return-value]

    def _yaml(self, path: Path) -> YamlFile:
        if path not in self._read:
            try:
                self._read[path] = read_yaml(path, path.relative_to(self.root))
            except InputError as error:
                self._read[path] = error
        found = self._read[path]
        if isinstance(found, InputError):
            raise found
        return found


def _yaml_files(folder: Path) -> dict[str, list[Path]]:
    """The YAML files in a folder and below by name; more than one a name where suffix or folder differ."""
    files: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in {".yaml", ".yml"} and not path.name.startswith("."):
            files[path.stem].append(path)
    return files
