"""The small patterns that decide the class of a region of `shapes`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Pattern = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], Mask]

STRIPES = 5
"""Stripes, dark and light together, over the side of a texture patch."""


def marker(kind: str, side: int) -> Mask:
    """The marked pixels of one pattern.

    Every pattern is its own mirror image, so that a flipped image keeps its classes.

    Args:
        kind: A key of `PATTERNS`.
        side: Height and width in pixels.

    Returns:
        (side, side) mask.
    """
    centres = (2 * np.arange(side) + 1) / side - 1
    return PATTERNS[kind](centres[:, None], centres[None, :])


def _stripe(position: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Number of the stripe, from 0, at positions between -1 and 1."""
    return ((position + 1) / 2 * STRIPES).astype(np.int64)


PATTERNS: dict[str, Pattern] = {
    "disc": lambda y, x: y**2 + x**2 < 1,
    "ring": lambda y, x: (y**2 + x**2 < 1) & (y**2 + x**2 > 0.36),
    "cross": lambda y, x: (abs(y) < 0.3) | (abs(x) < 0.3),
    "rows": lambda y, x: (_stripe(y) % 2 == 0) & (abs(x) < 1),
    "columns": lambda y, x: (_stripe(x) % 2 == 0) & (abs(y) < 1),
    "checks": lambda y, x: (_stripe(y) + _stripe(x)) % 2 == 0,
}
