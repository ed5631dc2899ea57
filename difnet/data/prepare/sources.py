"""What a store was made of: samples and the files that they are read from, so that a change is seen."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
from pydantic import BaseModel, ConfigDict

from difnet.config import DataConfig, InputError, code_sha256
from difnet.config.digests import digested, read_digested
from difnet.config.files import write_text
from difnet.data.dataset import Colour, Sample, open_dataset

SOURCES = "sources.json"
Samples = Mapping[str, Sequence[Sample]]
"""By split."""


class SourceFile(NamedTuple):
    """One file that a store was made of; of equal size and times it is not read again."""

    size: int
    mtime_ns: int
    ctime_ns: int
    """Also tells of a file that was replaced and given the time of the former."""
    sha256: str


class Sources(BaseModel):
    """All that a store was made of."""

    model_config = ConfigDict(frozen=True)

    listing: str
    """Hash of name, size, classes and samples, wherever their folder lies."""
    versions: str
    """Hash of what the code says, and of the libraries that decode and resize."""
    change: str
    """What a plan compares: empty for the first data in this folder, a hash of those that replaced others."""
    files: tuple[SourceFile, ...]
    """In the order of the samples."""

    def same_data(self, listing: str, samples: Samples) -> bool:
        """Whether samples and the content of all files are what they were; files are read where in doubt.

        Args:
            listing: Hash of the samples as they are now.
            samples: The same as a list.

        Raises:
            InputError: If a file is not there.
        """
        paths = list(_paths(samples))
        same_list = self.listing == listing and len(self.files) == len(paths)
        return same_list and all(map(_same, self.files, paths))


def listing_of(config: DataConfig, classes: Mapping[str, Colour], samples: Samples) -> str:
    """Hash of name, size, classes and samples, without the folder that all files are in.

    A sample's `repr` tells what decides how it is read, such as a table of classes.
    """
    folders = {str(path.parent) for path in _paths(samples)}
    root = os.path.commonpath(folders) if folders else ""
    told = {
        split: [repr(sample).replace(root, "") if root else repr(sample) for sample in members]
        for split, members in samples.items()
    }
    return _hash([config.name, config.size, classes, told])


def listed(config: DataConfig) -> tuple[Samples, str]:
    """The samples of a data set, not read, and their `listing_of`.

    Raises:
        InputError: If the configuration or the data set is not valid, or its files are missing.
    """
    dataset = open_dataset(config)
    samples = dataset.samples()
    return samples, listing_of(config, dataset.classes(), samples)


@cache
def versions_of(dataset: str) -> str:
    """Hash of what the code of a data set says, and of the libraries that decode and resize."""
    return _hash([code_sha256("prepare", dataset=dataset), np.__version__, PIL.__version__])


def recorded(samples: Iterable[Sample], files: list[SourceFile]) -> Iterator[Sample]:
    """The samples, each after its files were added to `files`, so that they are read from disk but once."""
    for sample in samples:
        files += (SourceFile(*_state(path), sha256=_sha256(path)) for path in sample.files)
        yield sample


def read_sources(directory: Path) -> Sources | None:
    """What the store in a folder was made of; None where there is none, or nothing whole that says so."""
    try:
        return Sources.model_validate(read_digested(directory / SOURCES))
    except (OSError, ValueError):
        return None


def write_sources(directory: Path, sources: Sources) -> None:
    """Write what the store in a folder is made of."""
    write_text(directory / SOURCES, digested(sources.model_dump_json(), ".json"))


def content_of(listing: str, digests: Iterable[str]) -> str:
    """Hash of the samples and of what their files hold."""
    return _hash([listing, *digests])


def planned_change(config: DataConfig, directory: Path) -> str:
    """What a plan compares with the last time, to find out whether data are to be prepared again.

    Args:
        config: The data set.
        directory: Its store, which need not be there.

    Returns:
        The `change` of the store while its sources are what they were, or are not there to look at.
    """
    former = read_sources(directory)
    if former is None:
        return ""
    try:
        samples, listing = listed(config)
        if not former.same_data(listing, samples):
            return content_of(listing, map(_sha256, _paths(samples)))
    except InputError:  # the job that prepares says so, if it has to run
        pass
    return former.change


def _paths(samples: Samples) -> Iterator[Path]:
    return (path for members in samples.values() for sample in members for path in sample.files)


def _state(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; put it back and run again") from error
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _same(file: SourceFile, path: Path) -> bool:
    state = _state(path)
    return state == file[:3] or (state[0] == file.size and _sha256(path) == file.sha256)


def _sha256(path: Path) -> str:
    """Of the content; empty of a file that cannot be read, which decoding it will tell."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _hash(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
