"""Minimum, maximum or bitwise-or of a map over a disc or a square around every pixel, by shifted copies."""

from __future__ import annotations

import math
from collections.abc import Callable

from difnet.metrics.arrays import Array, library

Combine = Callable[..., Array]
"""`maximum`, `minimum` or `bitwise_or` of the array's library: repetition of a value does no harm."""


def over_discs(values: Array, squared_radii: list[int], combine: Combine, neutral: int) -> list[Array]:
    """Combine the values within each Euclidean distance of every pixel.

    A disc is a stack of horizontal runs. One run grows to both sides, and whenever its half-width is that of
    some row of some disc, it is combined into it. All in place: fresh memory would cost more than the work.

    Args:
        values: Integers (B,H,W).
        squared_radii: Squared radii in pixels, the largest integer not above r * r for a radius r.
        combine: Operation on two arrays.
        neutral: Value that leaves `combine` unchanged; stands for what is outside the image.

    Returns:
        One array (B,H,W) for each radius.
    """
    height, width = values.shape[1:]
    reach = math.isqrt(max(squared_radii))
    framed = _framed(values, reach, neutral)
    run = framed[:, :, reach : reach + width] | 0
    discs = [values | 0 for _ in squared_radii]
    for half_width in range(reach + 1):
        for shift in {reach - half_width, reach + half_width} if half_width else ():
            combine(run, framed[:, :, shift : shift + width], out=run)
        for squared_radius, disc in zip(squared_radii, discs, strict=True):
            for down in _rows(squared_radius, half_width):
                combine(disc, run[:, reach + down : reach + down + height], out=disc)
    return discs


def _rows(squared_radius: int, half_width: int) -> list[int]:
    """Rows of a disc, counted from its centre, on which it has this half-width."""
    radius = math.isqrt(squared_radius)
    return [y for y in range(-radius, radius + 1) if math.isqrt(squared_radius - y**2) == half_width]


def over_square(values: Array, reach: int, combine: Combine, neutral: int) -> Array:
    """Combine the values of the (2 reach + 1)-square around every pixel: (B,H,W) -> (B,H,W).

    Each pass doubles the length of the run, so the cost grows with the logarithm of `reach`.
    """
    framed = _framed(values, reach, neutral)
    rows = _runs(framed, 2 * reach + 1, combine, axis=2)
    return _runs(rows, 2 * reach + 1, combine, axis=1)


def _runs(values: Array, length: int, combine: Combine, axis: int) -> Array:
    """Combine `length` neighbours along an axis; it shrinks by `length - 1`."""
    done = 1
    while done < length:
        step = min(done, length - done)
        stop = values.shape[axis] - step
        first = values[:, :stop] if axis == 1 else values[:, :, :stop]
        second = values[:, step:] if axis == 1 else values[:, :, step:]
        values = combine(first, second)
        done += step
    return values


def _framed(values: Array, margin: int, neutral: int) -> Array:
    """The values inside a frame of `margin` pixels of `neutral`."""
    batch, height, width = values.shape
    shape = (batch, height + 2 * margin, width + 2 * margin)
    framed = library(values).zeros(shape, dtype=values.dtype, device=values.device)
    if neutral:
        framed[:] = neutral
    framed[:, margin : margin + height, margin : margin + width] = values
    return framed
