"""`difnet prepare`: every image and label is decoded, checked, resized and stored as plain pixels."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import PIL

from difnet.config import DataConfig, InputError, code_sha256
from difnet.config.files import not_written
from difnet.data.dataset import Dataset, Sample, open_dataset
from difnet.data.files.samples import check_apart
from difnet.data.prepare.destination import check_destination
from difnet.data.prepare.writer import SplitWriter, stored_hash
from difnet.data.store import INDEX, LOCK, PARTIAL, PIXEL_FOLDER, DataIndex, load_prepared, pixel_folder
from difnet.machine.locking import locked
from difnet.machine.progress import Progress, say


def prepare(config: DataConfig, directory: Path, *, verify: bool = False) -> DataIndex:
    """Bring a data set into the form that training and evaluation read; nothing to do if it is there already.

    It is there when `directory` holds a whole store with the same fingerprint: configuration, names, sizes
    and modification times of the source files, and what the code says. Several processes may prepare the
    same directory at once; one does, the others wait and say so. One image at a time is held in memory.

    Args:
        config: Data set, size and options.
        directory: Where to store it: a new or empty folder, or that of a store, which is replaced.
        verify: Whether to read the pixels of a store that is there, and prepare again if its content hash is
            another; else only the sizes of its files are compared.

    Raises:
        InputError: If the configuration or files of the data set are not valid, or the directory cannot be
            written or holds other files. Nothing half-written is left.
    """
    dataset = open_dataset(config)
    classes = dataset.classes()
    samples = dataset.samples()
    check_apart(f"data set '{config.name}'", samples)
    fingerprint = _fingerprint(config, list(classes), samples)
    try:
        if index := _stored(config, fingerprint, directory, verify=verify):
            return index
        check_destination(directory, _files(samples))
        directory.mkdir(parents=True, exist_ok=True)
        with locked(directory / LOCK, f"prepares {directory}"):
            if index := _stored(config, fingerprint, directory, verify=verify):
                return index
            if _stored(config, fingerprint, directory, verify=False):
                say(f"difnet: {directory}: pixels have changed on disk; prepares them again")
            return _store(config, dataset, samples, fingerprint, directory)
    except OSError as error:
        raise not_written(directory, error) from error


def _files(samples: dict[str, list[Sample]]) -> set[Path]:
    return {path for group in samples.values() for sample in group for path in sample.files}


def _fingerprint(config: DataConfig, classes: list[str], samples: dict[str, list[Sample]]) -> str:
    """Hash of all that the stored pixels depend on, without reading images."""
    files = {
        split: [[repr(sample), *(_state(path) for path in sample.files)] for sample in group]
        for split, group in samples.items()
    }
    versions = [_code(config.name), np.__version__, PIL.__version__]
    inputs = [config.model_dump(mode="json"), classes, files, versions]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


@cache
def _code(dataset: str) -> str:
    return code_sha256("prepare", dataset=dataset)


def _state(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; put it back and run again") from error
    return str(path), status.st_size, status.st_mtime_ns


def _stored(config: DataConfig, fingerprint: str, directory: Path, *, verify: bool) -> DataIndex | None:
    """The index of a store if it is whole, has this fingerprint and, to verify, the pixels that it had."""
    try:
        data = load_prepared(directory)
        right = data.index.fingerprint == fingerprint and not (
            verify and stored_hash(data, config.size) != data.index.sha256
        )
    except (InputError, OSError):  # the latter where another process replaces it at this moment
        return None
    return data.index if right else None


def _store(
    config: DataConfig, dataset: Dataset, samples: dict[str, list[Sample]], fingerprint: str, directory: Path
) -> DataIndex:
    """Write all splits under a temporary name, then put them in the place of the former store."""
    partial = directory / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        classes = dataset.classes()
        writer = SplitWriter(partial, classes=tuple(classes), size=config.size)
        with Progress(dataset.title, sum(map(len, samples.values())), unit="images") as progress:
            splits = {split: writer.write(split, progress.track(samples[split])) for split in samples}
        writer.problems.raise_if_any(f"data set '{config.name}'")
        index = DataIndex(
            name=config.name,
            title=dataset.title,
            synthetic=dataset.synthetic,
            citation=dataset.citation,
            classes=tuple(classes),
            palette=tuple(classes.values()),
            sha256=writer.content.hexdigest(),
            fingerprint=fingerprint,
            splits=splits,
        )
        (partial / INDEX).write_text(index.model_dump_json(indent=1), encoding="utf-8")
        _replace_store(directory, partial, index)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return index


def _replace_store(directory: Path, partial: Path, index: DataIndex) -> None:
    """Remove the former store, its index first, and move the new one in, its index last."""
    (directory / INDEX).unlink(missing_ok=True)
    for former in [path for path in directory.iterdir() if re.fullmatch(PIXEL_FOLDER, path.name)]:
        shutil.rmtree(former)
    folder = partial.rename(pixel_folder(directory, index.sha256))
    (folder / INDEX).rename(directory / INDEX)
