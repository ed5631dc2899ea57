"""What a data set is, and how it is found: NAME is the file or folder `difnet/data/datasets/NAME`."""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from importlib import import_module
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from difnet.config import DataConfig, InputError, nearest, validate
from difnet.data import datasets

VOID = 255
"""Label of pixels that belong to no class; they take no part in losses and metrics."""

Colour = tuple[int, int, int]
Pixels = npt.NDArray[np.uint8]


class Pair(NamedTuple):
    """An image (H, W, 3) in RGB and its label (H, W): a class index, or 255 for void."""

    image: Pixels
    label: Pixels


class Patches(NamedTuple):
    """Small images (n, S, S, 3) in RGB, the kind (n,) of what each shows, and the number of kinds."""

    images: Pixels
    shown: Pixels
    kinds: int


class Sample(Protocol):
    """One image with its label, not yet read.

    Its `repr` tells all that decides what is read beside the files, such as a table of classes: data are
    prepared again when it changes. That of a dataclass does.
    """

    @property
    def name(self) -> str:
        """Name of the sample, unique in its data set."""

    @property
    def group(self) -> str:
        """The shot or scene that it shares with other samples; empty where it depends on no other.

        Samples of a group stand in their split in the order of its frames.
        """

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it is read from; empty when it is generated."""

    def read(self) -> Pair:
        """Read it whole.

        Raises:
            FileError: If a file is damaged or does not hold what it should.
        """


class Archive(NamedTuple):
    """A published archive of a data set."""

    url: str
    checksum: str
    """As published, after the name of its algorithm: `md5:6cd6e1...`."""
    folder: str
    """The folder in it that the data set reads; has the same path below `$DIFNET_DATA`."""
    size: int | None = None
    """Bytes, where known."""

    @property
    def file(self) -> str:
        """Name of the archive."""
        return self.url.rpartition("/")[2]


class Dataset(BaseModel, ABC):
    """A data set; its fields are the options that `data.options` of a benchmark may set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: ClassVar[str]
    """Name for people."""
    citation: ClassVar[str]
    """Whom to cite and under what terms the images may be used, on one line."""
    obtain: ClassVar[str] = ""
    """What a user has to do to get the files, for the error of a missing folder."""
    synthetic: ClassVar[bool] = False
    """Whether the images are generated; the report says so."""

    def archives(self) -> tuple[Archive, ...]:
        """What `difnet prepare NAME --download` obtains; nothing where a form has to be filled in first."""
        return ()

    def patches(self, count: int, seed: int) -> Patches | None:
        """Small images, each of one thing, that a ResNet can learn to tell apart before any training.

        Args:
            count: Number of patches.
            seed: Of what they show; no image of any split is among them.

        Returns:
            None where the data set has none.
        """
        return None

    @abstractmethod
    def classes(self) -> dict[str, Colour]:
        """Name and display colour of every class, in the order of the label values 0, 1, ...

        Raises:
            InputError: If they are read from files that are missing or not valid.
        """

    @abstractmethod
    def samples(self) -> dict[str, list[Sample]]:
        """The samples of every split, listed but not read.

        Raises:
            InputError: If files are missing, with their names and the remedy.
        """


def dataset_names() -> list[str]:
    """Names of all data sets."""
    return sorted(module.name for module in pkgutil.iter_modules(datasets.__path__))


def open_dataset(config: DataConfig) -> Dataset:
    """The data set that a configuration names, with its options set; no image is read.

    Raises:
        InputError: If the name or an option is unknown, or an option's value is not valid.
    """
    if config.name not in dataset_names():
        raise InputError(f"unknown data set '{config.name}'{nearest(config.name, dataset_names())}")
    module = import_module(f"{datasets.__name__}.{config.name}")
    kinds: list[type[Dataset]] = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Dataset) and value.__module__ == module.__name__
    ]
    return validate(kinds[0], config.options, f"data.options of '{config.name}'")
