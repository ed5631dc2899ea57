"""The data sets, found by file name: `difnet/data/datasets/NAME.py` is the data set NAME."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from difnet.config import DataConfig, InputError, nearest
from difnet.config.files import validate
from difnet.data import datasets
from difnet.data.dataset import Dataset


def dataset_names() -> list[str]:
    """Names of all data sets."""
    files = (path for folder in datasets.__path__ for path in Path(folder).glob("*.py"))
    return sorted(path.stem for path in files if not path.stem.startswith("_"))


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
