"""The gallery of a benchmark: chosen images with every variant's answer, in one `gallery.npz`.

`index` is a JSON text: reference, comparison, images (name, reasons, difference) and variants (name, seed,
levels): the typical seed of every variant, then the other seeds of the first ones. The maps are `PART/IMAGE`
or `PART/VARIANT/IMAGE`, by places in these lists:

    image, truth, prediction             (H, W, 3), (H, W), (H, W) uint8
    scores, confidence, importance       (h, w) uint8, of the first variants only
    states                               (L, h, w) uint8, after the walks of each level, likewise
    rows, peak, mass, same, classes      walks of the reference on fixed images, see `similarity.Walks`
    grid                                 their height and width in nodes

A prediction is what was scored. All else comes from one pass of the image at its own size, which is a pass of
its own where `evaluate` pads, mirrors or resizes images.

H W image size, h w grid, L levels.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from difnet.config import InputError, RunConfig, atomic_path, load_run
from difnet.data import Split, SplitIndex, load_prepared
from difnet.data.batches import evaluation_batches
from difnet.evaluation.evaluate_run import answer
from difnet.evaluation.forward_pass import ForwardPass, recorded
from difnet.evaluation.full_size import single_pass
from difnet.evaluation.gallery_images import Choice, choose_images, per_image_miou
from difnet.evaluation.similarity import level_states, walks
from difnet.models import load_network
from difnet.models.rule_protocol import has_states, is_linear
from difnet.tables import SCORES, PerImage, check_ours, seal
from difnet.training import choose_device, use_threads

COMPARED_WITH = ("seed_only", "deeplab")
"""What the reference is compared with to choose images; without either, the first other variant."""
DETAILED = 8
"""Variants whose other seeds, scores, importance and states are kept: the reference, the comparison and the
next ones."""

Arrays = dict[str, NDArray[np.generic]]
Runs = dict[int, tuple[Path, RunConfig]]
"""Directory and configuration of the runs of one variant, by seed."""


def write_gallery(directories: Sequence[Path], *, reference: str, data: Path, out: Path) -> None:
    """Choose images by their scores, and keep what every variant makes of them: a typical seed, of some all.

    Args:
        directories: Run directories that have been scored, in the order of the report.
        reference: The variant that the others are compared with.
        data: Folder of the prepared data set.
        out: The `gallery.npz` to write.

    Raises:
        InputError: If a run is not complete, does not fit the data, or none is of the reference; or a file of
            somebody else is there.
    """
    check_ours(out)
    variants: dict[str, Runs] = {}
    for directory in directories:
        config = load_run(directory)
        variants.setdefault(config.variant, {})[config.seed] = (directory, config)
    if reference not in variants:
        raise InputError(f"gallery: no run is of the reference '{reference}'; add one or change --reference")
    rivals = [name for name in variants if name != reference]
    comparison = next((name for name in (*COMPARED_WITH, *rivals) if name in rivals), None)
    order = list(dict.fromkeys(name for name in (reference, comparison, *rivals) if name is not None))
    detailed = order[:DETAILED]
    typical = [typical_run(variants[name]) for name in order]
    others = [run for name in detailed for _, run in sorted(variants[name].items()) if run not in typical]
    shown = [*typical, *others]
    evaluate = shown[0][1].evaluate
    prepared = load_prepared(data)
    split = prepared.split(evaluate.split)
    differences = None
    if comparison is not None:
        differences = _miou(variants[reference], split) - _miou(variants[comparison], split)
    choices = choose_images(len(split), fixed=evaluate.gallery, differences=differences)
    chosen = _chosen(split, choices)
    arrays: Arrays = {"index": np.array(json.dumps(_index(reference, comparison, split, choices, shown)))}
    for place in range(len(choices)):
        arrays[f"image/{place}"], arrays[f"truth/{place}"] = chosen.image(place), chosen.label(place)
    for number, (directory, config) in enumerate(shown):
        network = load_network(directory, config, num_classes=len(prepared.index.classes))
        for place, record, prediction in _passes(network, config, chosen, choices):
            arrays[f"prediction/{number}/{place}"] = prediction
            if config.variant in detailed:
                arrays |= {f"{name}/{number}/{place}": found for name, found in _maps(network, record)}
            if number == 0 and "fixed" in choices[place].reasons:
                truth = chosen.label(place)
                arrays |= {f"{name}/{place}": found for name, found in _walks(network, record, truth=truth)}
    with atomic_path(out) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)
        seal(out, temporary.read_bytes())


def typical_run(runs: Runs) -> tuple[Path, RunConfig]:
    """The run whose mIoU is nearest to the median of its variant; of equal ones that of the lowest seed."""
    scores = {seed: _score(directory, config) for seed, (directory, config) in sorted(runs.items())}
    middle = median(scores.values())
    return runs[min(scores, key=lambda seed: round(abs(scores[seed] - middle), 9))]


def _score(directory: Path, config: RunConfig) -> float:
    """The mIoU of a run."""
    rows = SCORES.rows(SCORES.read(directory / SCORES.name))
    return next(
        row.value
        for row in rows
        if row.metric == "miou" and not row.class_ and row.split == config.evaluate.split
    )


def _miou(runs: Runs, split: Split) -> NDArray[np.float64]:
    """Per-image mIoU of a variant, mean over its seeds.

    Raises:
        InputError: If a run was scored on other images.
    """
    scored = [PerImage.read(directory / "per_image.parquet") for directory, _ in runs.values()]
    for (directory, _), statistics in zip(runs.values(), scored, strict=True):
        if statistics.names != split.names:
            raise InputError(f"{directory}/per_image.parquet is of other images; evaluate the run again")
    return per_image_miou(scored)


def _chosen(split: Split, choices: Sequence[Choice]) -> Split:
    """The chosen images as a split of their own."""
    places = [choice.index for choice in choices]
    index = SplitIndex(
        names=tuple(split.names[place] for place in places),
        shapes=tuple(split.shapes[place] for place in places),
        groups=tuple(split.groups[place] for place in places),
    )
    empty = np.zeros(0, dtype=np.uint8)
    return Split(
        index,
        images=np.concatenate([empty, *(split.image(place).ravel() for place in places)]),
        labels=np.concatenate([empty, *(split.label(place).ravel() for place in places)]),
    )


def _passes(
    network: nn.Module, config: RunConfig, chosen: Split, choices: Sequence[Choice]
) -> Iterator[tuple[int, ForwardPass, NDArray[np.uint8]]]:
    """Each image's place, the record of one forward pass, and the label map (H, W) that is scored."""
    use_threads(config.train.threads)
    device = choose_device()
    network.to(device)
    plain = single_pass(config)
    batches = evaluation_batches(chosen, 1, normalisation=config.model.normalisation)
    for (place,), images, labels in batches:
        index = [choices[place].index]
        with recorded(network) as record:
            prediction = answer(network, images.to(device), labels, indices=index, config=plain)
        if plain != config:
            prediction = answer(network, images.to(device), labels, indices=index, config=config)
        yield place, record, prediction[0]


def _maps(network: nn.Module, record: ForwardPass) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Scores, confidence, importance, and the state after every level where the diffusion rule has states."""
    maps = record.maps()
    yield from maps.items()
    rule: Any = getattr(network, "diffusion", None)
    if has_states(rule) and "scores" in maps:
        yield "states", level_states(rule, record, maps["scores"].shape)


def _walks(
    network: nn.Module, record: ForwardPass, *, truth: NDArray[np.uint8]
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """The arrays of the similarity explorer, where the diffusion rule is linear in the seeds."""
    rule: Any = getattr(network, "diffusion", None)
    maps = record.maps()
    if not is_linear(rule) or "scores" not in maps:
        return
    found = walks(rule, record, grid=maps["scores"].shape, truth=truth)
    for field in dataclasses.fields(found):
        yield field.name, np.asarray(getattr(found, field.name))


def _index(
    reference: str,
    comparison: str | None,
    split: Split,
    choices: Sequence[Choice],
    shown: Sequence[tuple[Path, RunConfig]],
) -> dict[str, object]:
    return {
        "reference": reference,
        "comparison": comparison,
        "images": [
            {
                "name": split.names[choice.index],
                "reasons": choice.reasons,
                "difference": None if math.isnan(choice.difference) else choice.difference,
            }
            for choice in choices
        ],
        "variants": [
            {"name": config.variant, "seed": config.seed, "levels": config.model.levels}
            for _, config in shown
        ],
    }
