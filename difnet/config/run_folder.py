"""The folder of one run, `runs/<variant>/seed<k>/`, and where it goes when another run takes its place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from difnet.config.digests import check_digest, read_digested, write_digested
from difnet.config.errors import InputError
from difnet.config.files import read_yaml, write_text
from difnet.config.run_config import RunConfig, training_identity

CONFIG, WEIGHTS, ENVIRONMENT = "config.yaml", "weights.safetensors", "environment.json"
HISTORY = "history.csv"
CHECKPOINTS = ("checkpoint.pt", "checkpoint.previous.pt")
"""The newest and the one before."""
SCORED = tuple(
    name for table in ("scores.csv", "per_image.parquet", "along.csv") for name in (table, f".{table}.sha256")
)
"""What an evaluation writes."""
ALONG = "along"
"""Folder with the weights after earlier steps."""
SOURCES = "ablation"
"""Folder with the run's own ablation files as they were."""
REPLACED = "replaced"


@dataclass(frozen=True)
class RunFolder:
    """Where one run lies."""

    path: Path

    @property
    def finished(self) -> bool:
        """Whether its training has ended."""
        return (self.path / ENVIRONMENT).is_file() and (self.path / WEIGHTS).is_file()

    @property
    def scored(self) -> bool:
        """Whether it has been evaluated."""
        return (self.path / SCORED[0]).is_file()

    @property
    def identity(self) -> str:
        """Hash of data, recipe and code that its weights come from, as the training recorded it."""
        # A run of an older version recorded none; what it wrote tells it apart as well.
        try:
            recorded = self.recorded("identity")
        except InputError:  # what is set aside need not be whole
            recorded = None
        return str(recorded or hashlib.sha256((self.path / WEIGHTS).read_bytes()).hexdigest()[:16])

    def recorded(self, key: str) -> Any:
        """What the training recorded of itself in `environment.json`; None where there is nothing.

        Raises:
            InputError: If the file is damaged.
        """
        return self.record().get(key)

    def record(self) -> dict[str, Any]:
        """All that the training recorded of itself; empty where it has not ended.

        Raises:
            InputError: If the file is damaged.
        """
        path = self.path / ENVIRONMENT
        try:
            return dict(read_digested(path))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"{path}: is damaged: it was changed or cut short; delete it and train the run again, which "
                "continues from the last checkpoint"
            ) from error

    @property
    def steps_along(self) -> list[int]:
        """The steps before the last whose weights the training kept, ascending."""
        return sorted(int(step) for step in self.recorded("along_sha256") or {})

    def weights_file(self, step: int | None = None) -> Path:
        """Where the trained weights lie, or those after an earlier step."""
        return self.path / (WEIGHTS if step is None else f"{ALONG}/step{step}.safetensors")

    @property
    def best_weights_file(self) -> Path:
        """Where the best weights on `val` lie beside the last, with `train.select: both`."""
        return self.path / "best.safetensors"

    def weights(self, step: int | None = None) -> bytes:
        """Weights, a safetensors file, after their hash was compared with the recorded one.

        Args:
            step: One of `steps_along`; None for the trained weights.

        Raises:
            InputError: If they do not exist, or are not what the training wrote, or its record is damaged.
        """
        path = self.weights_file(step)
        recorded = (
            self.recorded("weights_sha256")
            if step is None
            else (self.recorded("along_sha256") or {}).get(str(step))
        )
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise InputError(
                f"{path}: does not exist; train the run to its end first ('difnet train --help')"
            ) from error
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != recorded:
            raise InputError(
                f"{path}: is not what was trained: it was cut short or changed, or its hash in {ENVIRONMENT} "
                "was; train the run again"
            )
        return content

    @property
    def replaced(self) -> Path:
        """Where the runs are kept that this one took the place of, each in a folder named by its identity."""
        variant, runs = self.path.parent, self.path.parent.parent
        if runs.name == "runs":
            return runs.parent / REPLACED / variant.name / self.path.name
        return self.path.with_name(f"{self.path.name}.{REPLACED}")

    def write_config(self, config: RunConfig, sources: Mapping[str, str]) -> None:
        """Write the configuration and the ablation files behind it; what says the same already stays.

        A finished run of another recipe is set aside first.

        Args:
            config: Of the run.
            sources: Text of its own ablation files by name.

        Raises:
            InputError: If they cannot be written.
        """
        if self.finished and not self._trained_as(config):
            self.set_aside()
        text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        write_digested(self.path / CONFIG, text)
        for name, source in sources.items():
            path = self.path / SOURCES / name
            if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != source:
                write_text(path, source)

    def check_ours(self) -> None:
        """Refuse a folder with files that a training or its evaluation would overwrite and none has written.

        Raises:
            InputError: If it is one.
        """
        names = (CONFIG, HISTORY, WEIGHTS, ENVIRONMENT, ALONG, SOURCES, *CHECKPOINTS, *SCORED)
        there = [name for name in names if (self.path / name).exists()]
        try:
            if there:
                read_yaml(self.path / CONFIG).check(RunConfig)
        except InputError as error:
            raise InputError(f"{self.path}: holds {there[0]} and is no run; choose another folder") from error

    def set_aside(self) -> Path | None:
        """Move a finished run to `replaced`, so that another one cannot overwrite it.

        Returns:
            The folder that it is in now; None where the run is not finished.

        Raises:
            InputError: If it cannot be moved.
        """
        if not self.finished:
            return None
        target = self._free(self.identity)
        self._move(self.path, target)
        return target

    def set_scores_aside(self) -> Path | None:
        """Move the scores of a run that is to be evaluated again to `replaced`; see `set_aside`."""
        if not (self.finished and self.scored):
            return None
        content = (self.path / SCORED[0]).read_bytes()
        target = self._free(f"{self.identity}-scores-{hashlib.sha256(content).hexdigest()[:8]}")
        for name in SCORED:
            if (self.path / name).is_file():
                self._move(self.path / name, target / name)
        return target

    def _trained_as(self, config: RunConfig) -> bool:
        """Whether it was trained by the same recipe: as it recorded, or of an older version by its files."""
        try:
            recipe = self.recorded("recipe")
        except InputError:  # stays where planned jobs look for it, which say so
            return True
        try:
            return (recipe or load_run(self.path).training_identity()) == config.training_identity()
        except InputError:
            return False

    def _free(self, name: str) -> Path:
        """A folder of `replaced` that is not there yet: the same run may have been set aside before."""
        target, number = self.replaced / name, 1
        while target.exists():
            number += 1
            target = self.replaced / f"{name}-{number}"
        return target

    def _move(self, source: Path, target: Path) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        except OSError as error:
            raise InputError(f"{source}: cannot be moved to {target}: {error.strerror}") from error


def load_run(directory: Path) -> RunConfig:
    """The configuration that a run directory was made with.

    Raises:
        InputError: If the directory holds none, one that is damaged or not valid, or not the one that was
            trained, or the record of the training is damaged.
    """
    file = read_yaml(directory / CONFIG)
    config = file.check(RunConfig)
    check_digest(file.shown, file.text)
    trained = RunFolder(directory).recorded("recipe")
    if trained and trained != training_identity(file.values):
        raise InputError(
            f"{file.shown}: is not what was trained: it was changed afterwards; restore it or train again"
        )
    return config
