"""`difnet prepare`: every image and label is decoded, checked, resized and stored as plain pixels."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

from difnet.config import DataConfig, InputError
from difnet.config.files import not_written
from difnet.data.dataset import Dataset, Sample, open_dataset
from difnet.data.files.decoding import MAX_PIXELS
from difnet.data.files.problems import listed
from difnet.data.files.samples import check_apart
from difnet.data.prepare.destination import check_destination
from difnet.data.prepare.sources import (
    SOURCES,
    SourceFile,
    Sources,
    content_of,
    listing_of,
    planned_change,
    read_sources,
    recorded,
    versions_of,
    write_sources,
)
from difnet.data.prepare.writer import SplitWriter
from difnet.data.store import (
    INDEX,
    LOCK,
    PARTIAL,
    PIXEL_FOLDER,
    DataIndex,
    load_prepared,
    pixel_folder,
    write_index,
)
from difnet.machine.locking import locked
from difnet.machine.progress import Progress, say
from difnet.tables.table import seal_of

__all__ = ["planned_change", "prepare"]


def prepare(config: DataConfig, directory: Path, *, verify: bool = False) -> DataIndex:
    """Bring a data set into the form that training and evaluation read; nothing to do if it is there already.

    It is there when `directory` holds a whole store that was made of the same: configuration, samples,
    content of their files (of equal size and times they are not read) and what the code says. Several
    processes may prepare the same directory at once; one does, the others wait and say so. One image at a
    time is held in memory.

    Args:
        config: Data set, size and options.
        directory: Where to store it: a new or empty folder, or that of a store, which is replaced.
        verify: Whether to read the pixels of a store that is there, and prepare again if they have changed;
            else only the sizes of its files are compared.

    Raises:
        InputError: If the configuration or files of the data set are not valid, or the directory cannot be
            written or holds other files. Nothing half-written is left.
    """
    if config.size and math.prod(config.size) > MAX_PIXELS:
        raise InputError(
            f"data.size: {config.size[0]} x {config.size[1]} pixels are more than the {MAX_PIXELS // 10**6} "
            "megapixels that an image may have; choose a smaller one"
        )
    dataset = open_dataset(config)
    classes = dataset.classes()
    samples = dataset.samples()
    check_apart(f"data set '{config.name}'", samples)
    listing, versions = listing_of(config, classes, samples), versions_of(config.name)

    def stored(*, verify: bool) -> DataIndex | None:
        former = read_sources(directory)
        if former and former.versions == versions and former.same_data(listing, samples):
            return _stored(directory, verify=verify)
        return None

    try:
        if index := stored(verify=verify):
            return index
        check_destination(directory, _files(samples))
        directory.mkdir(parents=True, exist_ok=True)
        with locked(directory / LOCK, f"prepares {directory}"):
            if index := stored(verify=verify):
                return index
            if stored(verify=False):
                say(f"difnet: {directory}: pixels have changed on disk; prepares them again")
            return _store(config, dataset, samples, listing, directory)
    except OSError as error:
        raise not_written(directory, error) from error


def _files(samples: dict[str, list[Sample]]) -> set[Path]:
    return {path for group in samples.values() for sample in group for path in sample.files}


def _stored(directory: Path, *, verify: bool) -> DataIndex | None:
    """The index of a store if it is whole and, to verify, has the pixels that it had."""
    try:
        data = load_prepared(directory)
        if verify:
            for name in data.index.splits:
                data.split(name)
    except (InputError, OSError):  # the latter where another process replaces it at this moment
        return None
    return data.index


def _store(
    config: DataConfig,
    dataset: Dataset,
    samples: dict[str, list[Sample]],
    listing: str,
    directory: Path,
) -> DataIndex:
    """Write all splits under a temporary name, then put them in the place of the former store."""
    former = read_sources(directory)
    change = former.change if former else ""
    changed = former is not None and not former.same_data(listing, samples)
    partial = directory / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        classes = dataset.classes()
        writer = SplitWriter(partial, classes=tuple(classes), size=config.size)
        files: list[SourceFile] = []
        with Progress(dataset.title, sum(map(len, samples.values())), unit="images") as progress:
            splits = {
                split: writer.write(split, progress.track(recorded(samples[split], files)))
                for split in samples
            }
        writer.problems.raise_if_any(f"data set '{config.name}'")
        if unseen := [name for index, name in enumerate(classes) if index not in writer.shown]:
            say(f"difnet: {dataset.title}: no label shows {listed(unseen)}")
        index = DataIndex(
            name=config.name,
            title=dataset.title,
            synthetic=dataset.synthetic,
            citation=dataset.citation,
            classes=tuple(classes),
            palette=tuple(classes.values()),
            sha256=writer.content.hexdigest(),
            checksums=writer.checksums,
            splits=splits,
        )
        write_index(index, partial)
        if changed:
            change = content_of(listing, (file.sha256 for file in files))
        sources = Sources(
            listing=listing, versions=versions_of(config.name), change=change, files=tuple(files)
        )
        write_sources(partial, sources)
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
    for name in (SOURCES, seal_of(Path(INDEX)).name, INDEX):
        (folder / name).rename(directory / name)
