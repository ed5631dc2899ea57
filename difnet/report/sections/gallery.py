"""Chosen images with the truth, and every variant's scores, importance, walks, prediction and errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from difnet.report import images
from difnet.report.load import Results
from difnet.report.numbers import signed
from difnet.report.pictures import Chosen, Pictures
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
    note: str
    maps: tuple[Map, ...]
    detailed: bool
    """Whether it has more than the prediction and its errors."""


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
        maps = sum(len(item.uri) for strip in self.strips for item in strip.maps)
        return len(self.image) + len(self.truth) + maps


def build(results: Results) -> Section:
    """All images of the gallery, as large as the budget of the page allows."""
    pictures = results.pictures
    examples: list[Example] = []
    if pictures is not None and pictures.images:
        side = _side(results, pictures)
        examples = [_example(results, pictures, place, side) for place in range(len(pictures.images))]
    shown = {item.name for item in pictures.variants} if pictures else set()
    truths = [] if pictures is None else [pictures.arrays[f"truth/{place}"] for place in range(len(examples))]
    return Section(
        key="gallery",
        title="What it looks like",
        content={
            "examples": examples,
            "absent": [variant.title for variant in results.variants if variant.name not in shown],
            "seeds": sorted({item.seed for item in pictures.variants}) if pictures else [],
            "rule": _rule(results, pictures) if pictures else "",
            "tolerances": sorted({images.boundary_tolerance(truth) for truth in truths}),
            "legend": list(zip(results.classes, results.data.get("palette", []), strict=False)),
            "large": any(max(truth.shape) > SMALL for truth in truths),
        },
    )


def _rule(results: Results, pictures: Pictures) -> str:
    text = f"“Fixed” images are evenly spaced over split {results.split}; no result picks them."
    if not pictures.comparison:
        return text
    return (
        f"{text} “Best”, “median” and “worst” rank all images of the split by the mIoU of the image, "
        f"{results.title_of(pictures.reference)} minus {results.title_of(pictures.comparison)}, mean over "
        "seeds."
    )


def _side(results: Results, pictures: Pictures) -> int:
    """The largest side at which all images, if they are like the first, fit the budget."""
    for side in SIDES:
        total = _example(results, pictures, 0, side).weight * len(pictures.images)
        if total <= SHARE_OF_BUDGET * results.budget:
            return side
    return SIDES[-1]


def _example(results: Results, pictures: Pictures, place: int, side: int) -> Example:
    palette = results.palette
    strips = [
        _strip(results, pictures, number, place, side)
        for number in range(len(pictures.variants))
        if pictures.get("prediction", number, place) is not None
    ]
    return Example(
        name=pictures.images[place].name,
        why=_why(pictures.images[place]),
        image=images.photograph(pictures.arrays[f"image/{place}"], side),
        truth=images.label_map(pictures.arrays[f"truth/{place}"], palette, side),
        strips=tuple(strips),
    )


def _why(chosen: Chosen) -> str:
    words = ["fixed"] if "fixed" in chosen.reasons else []
    words += [REASONS[reason] for reason in chosen.reasons if reason in REASONS]
    difference = f", mIoU difference {signed(chosen.difference)}" if math.isfinite(chosen.difference) else ""
    return f"{' and '.join(words)}{difference}"


def _strip(results: Results, pictures: Pictures, number: int, place: int, side: int) -> Strip:
    """Maps in the order of the computation; the prediction and its errors come first, to be compared."""
    title = results.title_of(pictures.variants[number].name)
    prediction = pictures.arrays[f"prediction/{number}/{place}"]
    truth = pictures.arrays[f"truth/{place}"]
    kinds = images.error_kinds(prediction, truth)
    near, far = int((kinds == images.NEAR).sum()), int((kinds == images.FAR).sum())
    wrong = (near + far) / max(1, int((truth != images.VOID).sum()))
    palette = results.palette
    maps = [
        Map(
            "prediction",
            images.label_map(prediction, palette, side),
            f"Prediction of {title}: {wrong:.1%} of the labelled pixels are wrong",
        ),
        Map(
            "errors",
            images.error_map(kinds, side),
            f"Errors of {title}: {near / max(1, near + far):.0%} of them lie near a true boundary",
            style="errors",
        ),
        *_inner_maps(pictures, number, place, title, palette),
    ]
    return Strip(title=title, note=f"{wrong:.1%} wrong", maps=tuple(maps), detailed=len(maps) > 2)


def _inner_maps(
    pictures: Pictures, number: int, place: int, title: str, palette: NDArray[np.uint8]
) -> list[Map]:
    """Scores, importance and the state after every level, on the grid of nodes."""
    maps = []
    scores, confidence = (pictures.get(part, number, place) for part in ("scores", "confidence"))
    if scores is not None and confidence is not None and len(palette):
        uri = images.score_map(scores, confidence, palette, SIDES[0])
        text = f"Scores of {title} before diffusion: mean confidence {confidence.mean() / 255:.2f}"
        maps.append(Map("scores", uri, text, style="nodes"))
    importance = pictures.get("importance", number, place)
    if importance is not None:
        text = f"Importance map of {title}: mean {importance.mean() / 255:.2f}"
        maps.append(Map("importance", images.grey_map(importance, SIDES[0]), text, style="nodes"))
    states = pictures.get("states", number, place)
    if states is not None:
        before = scores if scores is not None else states[0]
        for level, state in zip(pictures.variants[number].levels, states, strict=False):
            changed = float((state != before).mean())
            text = f"{title} after the walk of {level}: it changed the class of {changed:.0%} of the nodes"
            uri = images.label_map(state, palette, SIDES[0])
            maps.append(Map(f"after {level}", uri, text, style="nodes"))
            before = state
    return maps
