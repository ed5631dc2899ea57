"""One map of integers out of a MATLAB file (level 5, as MATLAB writes it unless told otherwise).

Not by `scipy.io.loadmat`, since some damaged files make that end the process instead of raising an error.

A file is a header and elements, each with a kind and a size. An element of kind MATRIX, often compressed,
is a variable; its own elements are flags, dimensions, name and values. Those of a struct are the names of
its members in place of values, then a matrix for each member.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from difnet.data.problems import FileError

HEADER = 128
LEVEL_5 = b"\x00\x01IM"
"""End of the header; IM also says that the lowest byte of a number comes first."""
MATRIX, COMPRESSED = 14, 15
NUMBERS = range(6, 14)
"""Classes of matrices that hold numbers, from double (which may be stored as integers) to uint32."""
INTEGERS = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4"}
"""Kinds of values, and their types in NumPy."""
LONGEST = 1 << 28
"""Bytes that a compressed variable may become."""

Elements = list[tuple[int, memoryview]]


def read_matlab(path: Path, field: str) -> npt.NDArray[np.integer]:
    """A label (H, W) in a MATLAB file.

    Args:
        path: The file.
        field: Variable, and where it is a struct, its member: `GTcls.Segmentation`.

    Raises:
        FileError: If the file is damaged or holds no such label.
    """
    try:
        content = memoryview(path.read_bytes())
        if content[HEADER - 4 : HEADER] != LEVEL_5:
            raise ValueError("not a MATLAB file of level 5")
        return _label(content[HEADER:], field.split("."))
    except LookupError as error:
        raise FileError(f"holds no map of integers {field}; replace the file", str(path)) from error
    except (OSError, ValueError, struct.error, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError("cannot be decoded; replace the file", f"{path} ({reason})") from error


def _label(data: memoryview, names: list[str]) -> npt.NDArray[np.integer]:
    """The values of a variable, or of a member of it."""
    matrix = {_text(parts[2][1]): parts for parts in _variables(data)}[names[0]]
    for name in names[1:]:
        matrix = _members(matrix)[name]
    (_, flags), (_, dimensions), _, (kind, values) = matrix[:4]
    if flags[0] not in NUMBERS:
        raise LookupError
    height, width = np.frombuffer(dimensions, "<i4")
    return np.frombuffer(values, INTEGERS[kind]).reshape((height, width), order="F")


def _variables(data: memoryview) -> Iterator[Elements]:
    """The elements of every variable."""
    for kind, content in _elements(data):
        if kind == COMPRESSED:
            unpacked = zlib.decompressobj().decompress(content, LONGEST)
            ((_, matrix),) = _elements(memoryview(unpacked))
            yield list(_elements(matrix))
        elif kind == MATRIX:
            yield list(_elements(content))


def _members(parts: Elements) -> dict[str, Elements]:
    """The elements of every member of a struct, whose names all take as many bytes."""
    (_, length), (_, names) = parts[3:5]
    (step,) = struct.unpack("<i", length)
    starts = range(0, len(names), step)
    return {
        _text(names[start : start + step]): list(_elements(content))
        for start, (_, content) in zip(starts, parts[5:], strict=True)
    }


def _text(name: memoryview) -> str:
    return bytes(name).rstrip(b"\0").decode("latin-1")


def _elements(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Kind and content of each element; up to 4 bytes of content may share 8 bytes with kind and size."""
    while data:
        kind, size = struct.unpack("<II", data[:8])
        start = 8
        if kind >> 16:
            kind, size, start = kind & 0xFFFF, kind >> 16, 4
        end = start + size
        if end > len(data) or (start == 4 and size > 4):
            raise ValueError("ends early")
        yield kind, data[start:end]
        data = data[end if kind == COMPRESSED else -(-end // 8) * 8 :]
