"""Weights in a file: written, and read from that of anybody without running code from it."""

from __future__ import annotations

import hashlib
import io
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from difnet.config import InputError, atomic_path

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts keep the weights."""
PREFIXES = ("module.", "model.")
"""What wrappers of networks put before every name."""
SHOWN = 5
"""Keys that a message names."""
_multiarray = np._core.multiarray  # type: ignore[attr-defined]
ALLOWED: list[Any] = [
    np.dtype,
    np.ndarray,
    *(type(np.dtype(letter)) for letter in "?bhilqBHILQefdSU"),
    *(
        (function, f"numpy.{core}.multiarray.{function.__name__}")
        for function in (_multiarray.scalar, _multiarray._reconstruct)
        for core in ("core", "_core")
    ),
]
"""What a checkpoint may hold beside tensors: numbers and arrays of NumPy, of any version."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in a safetensors file or a checkpoint of PyTorch, by name.

    Checkpoints of Python 2 and numbers of NumPy beside the weights are read too.

    Raises:
        InputError: If the file cannot be read, holds more than tensors and numbers, or no tensors.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
        raise InputError(f"{path}: cannot be read: not a file")
    try:
        with warnings.catch_warnings(action="ignore"):
            return unwrapped(_load(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:
        raise InputError(f"{path}: is damaged, or no file of weights alone") from error


def write_weights(module: nn.Module, path: Path, metadata: dict[str, str] | None = None) -> str:
    """Write the parameters and buffers of a module as they are; returns the SHA-256 of the file.

    Raises:
        InputError: If the folder cannot be written or the disk is full.
    """
    return write_tensors(module.state_dict(), path, metadata)


def write_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> str:
    """Write tensors by name as they are; returns the SHA-256 of the file.

    Raises:
        InputError: If the folder cannot be written or the disk is full.
    """
    content = safetensors.torch.save(
        {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, metadata
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def unwrapped(stored: object) -> dict[str, Tensor]:
    """The weights in what a training script has saved: among its other values, with its prefixes.

    Raises:
        InputError: If there are none; it names the keys that are there.
    """
    inner = stored
    while isinstance(inner, Mapping):
        wrapped = next((inner[key] for key in WRAPPERS if isinstance(inner.get(key), Mapping)), None)
        if wrapped is None:
            tensors = {name: value for name, value in inner.items() if torch.is_tensor(value)}
            if tensors and all(isinstance(name, str) for name in tensors):
                return _plain(tensors)
        inner = wrapped
    keys = [repr(key) for key in stored] if isinstance(stored, Mapping) else []
    there = (
        f"its keys are {', '.join(keys[:SHOWN])}{', ...' * (len(keys) > SHOWN)}" if keys else "it has no keys"
    )
    raise InputError(f"holds no weights by name: {there}")


def _load(path: Path) -> object:
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    file: Path | io.BytesIO = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
                raise InputError("is compressed, which no file of weights is")
    else:
        file = io.BytesIO(_with_text(path.read_bytes()))
    with torch.serialization.safe_globals(ALLOWED):
        return torch.load(file, map_location="cpu", weights_only=True, encoding="latin1")


def _with_text(content: bytes) -> bytes:
    """A file in the form before PyTorch 1.6: five pickles, then the values.

    Its long strings of Python 2, which `weights_only` does not know, become text of the same characters.
    """
    file, parts = io.BytesIO(content), []
    for _ in range(5):
        start = file.tell()
        for opcode, text, place in pickletools.genops(file):
            if opcode.name == "BINSTRING" and place is not None:
                raw = str(text).encode()
                parts += [content[start:place], pickle.BINUNICODE, len(raw).to_bytes(4, "little"), raw]
                start = place + 5 + len(str(text))
        parts.append(content[start : file.tell()])
    return b"".join(parts) + content[file.tell() :]


def _plain(tensors: dict[str, Any]) -> dict[str, Tensor]:
    """Tensors without the prefixes that all names have.

    Raises:
        InputError: If one has more values than the file or none, is not finite, or is a weight of integers or
            complex numbers, which a network would round without a word.
    """
    for name, tensor in tensors.items():
        if tensor.is_meta or tensor.layout != torch.strided:
            raise InputError(f"'{name}' has no values of its own; save dense tensors of the CPU")
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise InputError(f"'{name}' of shape {tuple(tensor.shape)} repeats fewer values")
        if tensor.is_complex() or (tensor.ndim > 1 and not tensor.is_floating_point()):
            raise InputError(f"'{name}' is of {tensor.dtype}; save the weights as torch.float32")
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise InputError(f"'{name}' is not finite; give weights of a sound training")
    while prefix := next(
        (start for start in PREFIXES if all(name.startswith(start) for name in tensors)), ""
    ):
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors
