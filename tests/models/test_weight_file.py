"""Weights in files of anybody: the ones of the field are read, all else is one line that names the file."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from difnet.config import InputError
from difnet.models import build
from difnet.models.weight_file import read_weights

WEIGHTS = {"layer.weight": torch.arange(12.0).reshape(3, 4), "layer.bias": torch.arange(3.0)}


class Python2Pickler(pickle._Pickler):
    """Writes strings, the bytes of arrays and the names of modules as Python 2 and its NumPy did."""

    dispatch = pickle._Pickler.dispatch.copy()

    def __init__(self, file: Any, protocol: int = 2) -> None:
        super().__init__(file, protocol=2, fix_imports=True)

    def save_text(self, text: str | bytes) -> None:
        raw = text.encode("latin1") if isinstance(text, str) else text
        short = len(raw) < 256
        length = len(raw).to_bytes(1 if short else 4, "little")
        self.write((pickle.SHORT_BINSTRING if short else pickle.BINSTRING) + length + raw)
        self.memoize(text)

    def save_global(self, value: Any, name: str | None = None) -> None:
        module = getattr(value, "__module__", "").replace("numpy._core", "numpy.core")
        if not module.startswith("numpy"):
            return super().save_global(value, name)
        self.write(pickle.GLOBAL + f"{module}\n{value.__qualname__}\n".encode())
        self.memoize(value)
        return None

    dispatch[str] = dispatch[bytes] = save_text
    dispatch[type] = dispatch[type(len)] = dispatch[type(save_text)] = save_global


def python2(contents: Any, path: Path) -> None:
    module = SimpleNamespace(
        __name__="cPickle",
        Pickler=Python2Pickler,
        dump=lambda value, file, protocol: Python2Pickler(file).dump(value),
    )
    torch.save(contents, path, pickle_module=module, pickle_protocol=2, _use_new_zipfile_serialization=False)


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == WEIGHTS.keys() and all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


@pytest.mark.parametrize("save", [torch.save, python2])
@pytest.mark.parametrize("wrap", [None, "state_dict"])
def test_checkpoints_with_numbers_of_numpy(save: Callable, wrap: str | None, tmp_path: Path) -> None:
    """The authors' `main.py` keeps them beside `state_dict`."""
    contents: dict[str, Any] = {
        "epoch": 12,
        "best_miou": np.float64(0.7),
        "iou": np.arange(21, dtype=np.float32),
        "counts": np.int64(3),
        "small": np.float32(2.5),
        "confusion": np.arange(441).reshape(21, 21),
    }
    contents |= {wrap: WEIGHTS} if wrap else WEIGHTS
    save(contents, tmp_path / "authors.pth")
    assert same(read_weights(tmp_path / "authors.pth"))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def html(path: Path) -> None:
    path.write_text("<!doctype html><title>404</title>")


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"state_dict": Path("x")}))


def compressed(path: Path) -> None:
    """40 kB that would be 40 MB."""
    torch.save({"w": torch.zeros(10**7)}, path)
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, part in parts.items():
            new.writestr(name, part)


def holding(contents: object) -> Callable[[Path], None]:
    return lambda path: torch.save(contents, path)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (empty, "is damaged, or no file of weights alone"),
        (html, "is damaged, or no file of weights alone"),
        (pickled, "is damaged, or no file of weights alone"),
        (compressed, "is compressed"),
        (Path.mkdir, "cannot be read: Is a directory"),
        (holding({"state_dict": None}), "holds no weights by name: its keys are 'state_dict'"),
        (holding({0: torch.zeros(1), 1: torch.zeros(1)}), "holds no weights by name: its keys are 0, 1"),
        (holding({"model": {"epoch": 3}}), "holds no weights by name: its keys are 'model'"),
        (holding({}), "holds no weights by name: it has no keys"),
        (holding([torch.zeros(3)]), "holds no weights by name"),
        (holding({"w": torch.zeros(1).expand(10**10)}), "'w' of shape (10000000000,) repeats fewer values"),
        (holding({"w": torch.zeros(2, device="meta")}), "'w' has no values of its own"),
        (holding({"w": torch.eye(2).to_sparse()}), "'w' has no values of its own"),
        (holding({"w": torch.ones(2, 2, dtype=torch.int8)}), "'w' is of torch.int8; save the weights as"),
        (holding({"w": torch.ones(2, dtype=torch.complex64)}), "'w' is of torch.complex64"),
        (holding({"w": torch.tensor([1.0, torch.nan])}), "'w' is not finite"),
        (holding({"w": torch.tensor([torch.inf])}), "'w' is not finite"),
    ],
)
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_other_files_are_one_line(
    suffix: str, write: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    path = tmp_path / f"weights.{suffix}"
    write(path)
    with pytest.raises(InputError) as raised:
        read_weights(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value) or (
        suffix == "safetensors" and re.search("is damaged|cannot be read", str(raised.value))
    )


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "weights.pth")
    with pytest.raises(InputError, match=r"weights\.pth: cannot be read: not a file"):
        read_weights(tmp_path / "weights.pth")


# Of a type of numbers that the damage has made up NumPy cannot free an array.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("form", ["zip", "legacy", "python2", "safetensors"])
def test_damage_is_read_or_one_line(form: str, tmp_path: Path) -> None:
    """300 files, cut short or with other bytes; that a number is another one, nobody can tell."""
    whole, random = tmp_path / "whole", Random(form)
    contents = {"state_dict": WEIGHTS, "iou": np.arange(40.0)}
    if form == "safetensors":
        save_file(WEIGHTS, whole)
    elif form == "python2":
        python2(contents, whole)
    else:
        torch.save(contents, whole, _use_new_zipfile_serialization=form == "zip")
    path = tmp_path / f"damaged.{'safetensors' if form == 'safetensors' else 'pth'}"
    refused = 0
    for _ in range(300):
        content = bytearray(whole.read_bytes())
        if random.random() < 0.3:
            del content[random.randrange(len(content)) :]
        else:
            for _ in range(random.choice([1, 1, 4, 16])):
                content[random.randrange(len(content))] = random.randrange(256)
        path.write_bytes(content)
        try:
            read_weights(path)
        except InputError as error:
            refused += str(error).startswith(f"{path}: ")
    assert refused >= 90


def test_initial_weights_in_the_wrappers_of_a_training(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build("deeplab-nano", 5)
    resnet = network.seed_branch.resnet.state_dict()
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in resnet.items()}}, tmp_path / "w.pth"
    )
    torch.manual_seed(1)
    taken = build("deeplab-nano", 5, weights=str(tmp_path / "w.pth")).seed_branch.resnet.state_dict()
    assert all(torch.equal(taken[name], value) for name, value in resnet.items() if value.ndim == 4)
