"""Small patches like the images of `shapes`, each with one marker or none: the pretext start names it."""

from __future__ import annotations

import numpy as np

from difnet.data.dataset import Pixels
from difnet.data.datasets.shapes.scene import (
    KINDS,
    Canvas,
    add_blot,
    add_scratch,
    distinct_colours,
    mottled,
    photograph,
)

SIDE = 32
"""Height and width of a patch in pixels: four nodes."""
NO_MARKER = 0


def draw_patch(
    rng: np.random.Generator, *, marker_size: int, clutter: int, noise: float, lighting: float
) -> tuple[Pixels, int]:
    """One patch; the arguments are those of the data set `shapes`.

    Returns:
        Patch (SIDE, SIDE, 3), and its class: 0 for no marker, 1 + the number of the marker else.
    """
    canvas = Canvas(rng, SIDE)
    canvas.paint(np.ones((SIDE, SIDE)), mottled(canvas, distinct_colours(rng, 1)[0]))
    kind = int(rng.integers(1 + len(KINDS)))
    if kind != NO_MARKER:
        top, left = rng.integers(0, SIDE - marker_size, 2, endpoint=True)
        canvas.stamp(KINDS[kind - 1], (slice(top, top + marker_size), slice(left, left + marker_size)))
    for _ in range(clutter):
        add_scratch(canvas)
        add_blot(canvas)
    return photograph(canvas, noise=noise, lighting=lighting), kind
