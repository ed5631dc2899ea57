"""Chosen images with the truth, and every variant's scores, importance, walks, prediction and errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from difnet.data import VOID
from difnet.metrics.boundary_f import tolerance
from difnet.report import map_pictures
from difnet.report.gallery_file import Chosen, GalleryFile, Shown
from difnet.report.load import Results
from difnet.report.numbers import signed
from difnet.report.section import Section

SHARE_OF_BUDGET = 0.65
SIDES = (384, 256, 192, 128, 96, 64)
SMALL = 160
"""Images up to this many pixels a side are shown with their pixels visible."""
REASONS = {"best": "the best", "median": "the median", "worst": "the worst"}


@dataclass(frozen=True)
class Map:
    """One picture of a strip."""

    label: str
    uri: str
    alt: str
    style: str = ""
    """A class of the style sheet: errors, nodes."""


@dataclass(frozen=True)
class Strip:
    """One variant's answer to one image, from its scores to its errors."""

    title: str
    seed: int
    note: str
    maps: tuple[Map, ...]
    detailed: bool
    """Whether it has more than the prediction and its errors."""
    others: tuple[Strip, ...] = ()
    """The answers of other seeds."""

    @property
    def weight(self) -> int:
        """Bytes of its pictures."""
        return sum(len(item.uri) for item in self.maps) + sum(other.weight for other in self.others)


@dataclass(frozen=True)
class Example:
    """One image with the answers of all variants."""

    name: str
    why: str
    image: str
    truth: str
    strips: tuple[Strip, ...]

    @property
    def weight(self) -> int:
        """Bytes of its pictures."""
        return len(self.image) + len(self.truth) + sum(strip.weight for strip in self.strips)


def build(results: Results) -> Section:
    """All images of the gallery, as large as the budget of the page allows."""
    gallery = results.gallery
    examples: list[Example] = []
    if gallery is not None and gallery.images:
        side = _side(results, gallery)
        examples = [_example(results, gallery, place, side) for place in range(len(gallery.images))]
    shown = {item.name for item in gallery.variants} if gallery else set()
    switched = [strip for strip in examples[0].strips if strip.others] if examples else []
    truths = [] if gallery is None else [gallery.arrays[f"truth/{place}"] for place in range(len(examples))]
    return Section(
        key="examples",
        title="Examples",
        content={
            "examples": examples,
            "seeds": sorted({answer.seed for strip in switched for answer in (strip, *strip.others)}),
            "switched": len(switched),
            "absent": [variant.title for variant in results.variants if variant.name not in shown],
            "rule": _rule(results, gallery) if gallery else "",
            "tolerances": sorted({tolerance(*truth.shape) for truth in truths}),
            "legend": list(zip(results.data.classes, results.data.palette, strict=True)),
            "large": any(max(truth.shape) > SMALL for truth in truths),
        },
    )


def _rule(results: Results, gallery: GalleryFile) -> str:
    text = f"“Fixed” images are evenly spaced over split {results.split}; no result picks them."
    if not gallery.comparison:
        return text
    return (
        f"{text} “Best”, “median” and “worst” rank all images of the split by the mIoU of the image, "
        f"{results.title_of(gallery.reference)} minus {results.title_of(gallery.comparison)}, mean over "
        "seeds."
    )


def _side(results: Results, gallery: GalleryFile) -> int:
    """The largest side at which all images, if they are like the first, fit the budget."""
    for side in SIDES:
        total = _example(results, gallery, 0, side).weight * len(gallery.images)
        if total <= SHARE_OF_BUDGET * results.budget:
            return side
    return SIDES[-1]


def _example(results: Results, gallery: GalleryFile, place: int, side: int) -> Example:
    palette = results.palette
    of_variant: dict[str, list[Strip]] = {}
    for shown in gallery.variants:
        if gallery.get("prediction", shown.number, place) is not None:
            of_variant.setdefault(shown.name, []).append(_strip(results, gallery, shown, place, side))
    return Example(
        name=gallery.images[place].name,
        why=_why(gallery.images[place]),
        image=map_pictures.photograph(gallery.arrays[f"image/{place}"], side),
        truth=map_pictures.label_map(gallery.arrays[f"truth/{place}"], palette, side),
        strips=tuple(replace(first, others=tuple(others)) for first, *others in of_variant.values()),
    )


def _why(chosen: Chosen) -> str:
    words = ["fixed"] if "fixed" in chosen.reasons else []
    words += [REASONS[reason] for reason in chosen.reasons if reason in REASONS]
    difference = f", mIoU difference {signed(chosen.difference)}" if math.isfinite(chosen.difference) else ""
    return f"{' and '.join(words)}{difference}"


def _strip(results: Results, gallery: GalleryFile, shown: Shown, place: int, side: int) -> Strip:
    """Maps in the order of the computation; the prediction and its errors come first, to be compared."""
    title = results.title_of(shown.name)
    prediction = gallery.arrays[f"prediction/{shown.number}/{place}"]
    truth = gallery.arrays[f"truth/{place}"]
    kinds = map_pictures.error_kinds(prediction, truth)
    near, far = int((kinds == map_pictures.NEAR).sum()), int((kinds == map_pictures.FAR).sum())
    wrong = (near + far) / max(1, int((truth != VOID).sum()))
    palette = results.palette
    maps = [
        Map(
            "prediction",
            map_pictures.label_map(prediction, palette, side),
            f"Prediction of {title}: {wrong:.1%} of the labelled pixels are wrong",
        ),
        Map(
            "errors",
            map_pictures.error_map(kinds, side),
            f"Errors of {title}: {near / max(1, near + far):.0%} of them lie near a true boundary",
            style="errors",
        ),
        *_inner_maps(gallery, shown, place, title, palette),
    ]
    return Strip(
        title=title,
        seed=shown.seed,
        note=f"seed {shown.seed}, {wrong:.1%} wrong",
        maps=tuple(maps),
        detailed=len(maps) > 2,
    )


def _inner_maps(
    gallery: GalleryFile, shown: Shown, place: int, title: str, palette: NDArray[np.uint8]
) -> list[Map]:
    """Scores, importance and the state after every level, on the grid of nodes."""
    maps, number = [], shown.number
    scores, confidence = (gallery.get(part, number, place) for part in ("scores", "confidence"))
    if scores is not None and confidence is not None and len(palette):
        uri = map_pictures.score_map(scores, confidence, palette, SIDES[0])
        text = f"Scores of {title} before diffusion: mean confidence {confidence.mean() / 255:.2f}"
        maps.append(Map("scores", uri, text, style="nodes"))
    importance = gallery.get("importance", number, place)
    if importance is not None:
        text = f"Importance map of {title}: mean {importance.mean() / 255:.2f}"
        maps.append(Map("importance", map_pictures.grey_map(importance, SIDES[0]), text, style="nodes"))
    states = gallery.get("states", number, place)
    if states is not None:
        before = scores if scores is not None else states[0]
        for level, state in zip(shown.levels, states, strict=False):
            changed = float((state != before).mean())
            text = f"{title} after the walk of {level}: it changed the class of {changed:.0%} of the nodes"
            uri = map_pictures.label_map(state, palette, SIDES[0])
            maps.append(Map(f"after {level}", uri, text, style="nodes"))
            before = state
    return maps
