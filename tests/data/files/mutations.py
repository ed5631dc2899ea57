"""Random damage to files: to their bytes, or to the parts of their format with checksums mended."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from hypothesis import strategies as st

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START, SCAN = b"\xff\xd8", b"\xff\xda"
HUGE = 2**32 - 1
SIZES = ((0, 12), (16, 0), (1, 1), (15, 12), (16, 13), (6300, 6300), (6400, 6400), (65535, 600), (HUGE, HUGE))
"""Widths and heights for headers: wrong by one, as large as is read, larger, and those that overflow."""


class Mutation(NamedTuple):
    """Damaged content of a file."""

    data: bytes
    checked: bool
    """Whether the format's checksums are left to tell."""


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """One to three changes: a byte, a cut, bytes more, less, or twice."""
    for _ in range(draw(st.integers(1, 3))):
        first, last = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        kind = draw(st.sampled_from(("byte", "cut", "insert", "remove", "repeat")))
        if kind == "byte" and first < len(data):
            changed = data[first] ^ draw(st.integers(1, 255))
            data = data[:first] + bytes([changed]) + data[first + 1 :]
        elif kind == "cut":
            data = data[:last]
        elif kind == "insert":
            data = data[:first] + draw(st.binary(min_size=1, max_size=40)) + data[first:]
        elif kind == "remove":
            data = data[:first] + data[last:]
        elif kind == "repeat":
            data = data[:last] + data[first:]
    return data


@st.composite
def mutations(draw: st.DrawFn, data: bytes) -> Mutation:
    """Damage to the bytes, or to the parts that the format consists of."""
    if draw(st.booleans()):
        return Mutation(draw(damaged(data)), checked=data.startswith(PNG_START))
    parts = split(data)
    one, other = (draw(st.integers(0, len(parts) - 1)) for _ in range(2))
    kind = draw(st.sampled_from(("swap", "drop", "repeat", "change", "size")))
    if kind == "swap":
        parts[one], parts[other] = parts[other], parts[one]
    elif kind == "drop":
        del parts[one]
    elif kind == "repeat":
        parts.insert(other, parts[one])
    elif kind == "change":
        parts[one] = draw(damaged(parts[one]))
    else:
        size = draw(st.sampled_from(SIZES))
        parts = [resized(part, *size) for part in parts]
    return Mutation(joined(parts, like=data), checked=False)


def split(data: bytes) -> list[bytes]:
    """The chunks of a PNG (type and content), the segments of a JPEG (marker and content), or lines."""
    if data.startswith(PNG_START):
        return _png_chunks(data)
    return _jpeg_segments(data) if data.startswith(JPEG_START) else data.splitlines(keepends=True)


def joined(parts: list[bytes], *, like: bytes) -> bytes:
    """Put parts together again, with their lengths and checksums."""
    if like.startswith(PNG_START):
        chunks = (
            struct.pack(">I", max(len(part) - 4, 0)) + part + struct.pack(">I", zlib.crc32(part))
            for part in parts
        )
        return PNG_START + b"".join(chunks)
    if like.startswith(JPEG_START):
        return JPEG_START + b"".join(
            part if part.startswith(SCAN) else part[:2] + struct.pack(">H", len(part)) + part[2:]
            for part in parts
        )
    return b"".join(parts)


def resized(part: bytes, width: int, height: int) -> bytes:
    """The part with another width and height if it is the header that says them."""
    if part.startswith(b"IHDR"):
        return part[:4] + struct.pack(">II", width, height) + part[12:]
    if part[:1] == b"\xff" and part[1:2] in (b"\xc0", b"\xc2"):
        return part[:3] + struct.pack(">HH", height & 0xFFFF, width & 0xFFFF) + part[7:]
    return part


def _png_chunks(data: bytes) -> list[bytes]:
    chunks, place = [], len(PNG_START)
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        chunks.append(data[place + 4 : place + 8 + length])
        place += 12 + length
    return chunks


def _jpeg_segments(data: bytes) -> list[bytes]:
    """The segments of the header, and as the last part all scans."""
    segments, place = [], len(JPEG_START)
    while not data.startswith(SCAN, place):
        (length,) = struct.unpack_from(">H", data, place + 2)
        segments.append(data[place : place + 2] + data[place + 4 : place + 2 + length])
        place += 2 + length
    return [*segments, data[place:]]
