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

from difnet.data.files.decoding import MAX_PIXELS
from difnet.data.files.problems import FileError

HEADER = 128
LEVEL_5 = b"\x00\x01IM"
"""End of the header; IM also says that the lowest byte of a number comes first."""
MATRIX, COMPRESSED = 14, 15
STRUCT, NUMBERS = 2, range(6, 14)
"""Classes of matrices: with members, or with numbers, from double (perhaps stored as integers) to uint32."""
OTHERS = {1: "cell", 2: "struct", 4: "char", 5: "sparse", 6: "double", 7: "single", 14: "int64", 15: "uint64"}
"""Names of classes for messages."""
INTEGERS = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4"}
"""Kinds of values, and their types in NumPy."""
LONGEST = 4 * MAX_PIXELS + (1 << 20)
"""Bytes of a file, and of what its variables unpack to in all: room for the largest label in 32 bits."""
MOST = 10_000
"""Variables or members that are looked at; an empty one takes 8 bytes."""


def read_matlab(path: Path, field: str) -> npt.NDArray[np.integer]:
    """A label (H, W) in a MATLAB file.

    Args:
        path: The file.
        field: Variable, and where it is a struct, its member: `GTcls.Segmentation`.

    Raises:
        FileError: If the file is damaged, too large, or holds no such label.
    """
    try:
        with path.open("rb") as file:
            content = memoryview(file.read(LONGEST + 1))
        if len(content) > LONGEST:
            raise ValueError(f"larger than {LONGEST:,} bytes")
        if content[HEADER - 4 : HEADER] != LEVEL_5:
            raise ValueError("not a MATLAB file of level 5")
        return _label(content[HEADER:], field.encode().split(b"."))
    except (OSError, ValueError, IndexError, struct.error, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError("cannot be decoded; replace the file", f"{path} ({reason})") from error
    except (LookupError, StopIteration) as error:
        found = f" (found {error})" if error.args else ""
        raise FileError(f"holds no map of integers {field}; replace the file", f"{path}{found}") from error


def _label(data: memoryview, names: list[bytes]) -> npt.NDArray[np.integer]:
    """The values of a variable, or of a member of it."""
    matrices = _variables(data)
    for name in names:
        matrix = next(content for title, content in matrices if bytes(title[:64]).rstrip(b"\0") == name)
        matrices = _members(matrix)
    (_, flags), (_, dimensions), _, (kind, values) = _elements(matrix, 4)
    if flags[0] not in NUMBERS or kind not in INTEGERS or len(dimensions) != 8:
        raise _other(flags, dimensions)
    height, width = struct.unpack("<II", dimensions)
    if height * width > MAX_PIXELS:
        raise ValueError(f"{width}x{height}, more than {MAX_PIXELS // 10**6} megapixels")
    return np.frombuffer(values, INTEGERS[kind]).reshape((height, width), order="F")


def _variables(data: memoryview) -> Iterator[tuple[memoryview, memoryview]]:
    """Name and content of every variable; a name has up to 63 characters, and often zeros to fill up."""
    left = LONGEST
    for kind, content in _elements(data, MOST):
        matrix = content
        if kind == COMPRESSED:
            unpacked = zlib.decompressobj().decompress(content, left)
            left -= len(unpacked)
            if not left:
                raise ValueError(f"unpacks to {LONGEST:,} bytes or more")
            ((_, matrix),) = _elements(memoryview(unpacked), 1)
        if kind in (COMPRESSED, MATRIX):
            yield _elements(matrix, 3)[2][1], matrix


def _members(matrix: memoryview) -> Iterator[tuple[memoryview, memoryview]]:
    """Name and content of every member of a single struct, whose names all take as many bytes."""
    (_, flags), (_, dimensions), *_ = elements = _elements(matrix, MOST)
    if flags[0] != STRUCT or dimensions != struct.pack("<ii", 1, 1):
        raise _other(flags, dimensions)
    (_, length), (_, names) = elements[3:5]
    (step,) = struct.unpack("<i", length)
    for start, (_, content) in zip(range(0, len(names), step), elements[5:], strict=False):
        yield names[start : start + step], content


def _other(flags: memoryview, dimensions: memoryview) -> LookupError:
    """Size and class of a matrix that should be another."""
    size = "x".join(str(length) for length in np.frombuffer(dimensions[:16], "<u4"))
    return LookupError(f"{size} {OTHERS.get(flags[0], 'matrix')}")


def _elements(data: memoryview, most: int) -> list[tuple[int, memoryview]]:
    """Kind and content of the first elements; up to 4 bytes of content may share 8 with kind and size."""
    elements: list[tuple[int, memoryview]] = []
    while data and len(elements) < most:
        kind, size = struct.unpack("<II", data[:8])
        start = 8
        if kind >> 16:
            kind, size, start = kind & 0xFFFF, kind >> 16, 4
        end = start + size
        if end > len(data) or (start == 4 and size > 4):
            raise ValueError("ends early")
        elements.append((kind, data[start:end]))
        data = data[end if kind == COMPRESSED else -(-end // 8) * 8 :]
    return elements
