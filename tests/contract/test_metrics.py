"""Every metric of `difnet/metrics`, without a test of its own: what the suite relies on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from difnet.analysis.influence import influences
from difnet.metrics import METRICS, Metric
from difnet.metrics.label_maps import label_maps
from difnet.metrics.metric import joined, summed
from tests.conftest import PROJECT

CLASSES = 5
every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
some_maps = given(st.integers(0, 2**32 - 1))
few = settings(max_examples=10, deadline=None)


def maps(
    seed: int, *, wrong: float = 0.2, void: float = 0.1, images: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and truths of patches, three classes of five an image; some pixels are wrong, some void."""
    rng = np.random.default_rng(seed)
    truth = np.stack([rng.choice(rng.permutation(CLASSES)[:3], (6, 6)) for _ in range(images)])
    truth = truth.repeat(4, 1).repeat(5, 2)
    prediction = np.where(rng.random(truth.shape) < wrong, rng.integers(0, CLASSES, truth.shape), truth)
    return prediction, np.where(rng.random(truth.shape) < void, 255, truth)


def parts_of(metric: Metric, prediction: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    return metric.parts(label_maps(prediction, truth, CLASSES))


def scores_of(metric: Metric, sums: dict[str, np.ndarray]) -> np.ndarray:
    """The score over all classes, then that of each."""
    classes = [metric.class_value(sums)] if metric.class_value is not None else []
    return np.concatenate([metric.value(sums)[..., None], *classes], axis=-1)


@every_metric
@few
@some_maps
def test_parts_are_numbers_that_each_image_adds(metric: Metric, seed: int) -> None:
    pair = maps(seed)
    together = parts_of(metric, *pair)
    alone = joined([parts_of(metric, one[None], other[None]) for one, other in zip(*pair, strict=True)])
    assert list(alone) == list(together)
    for name, part in together.items():
        assert part.ndim == 2 and len(part) == 4, name
        assert part.dtype in {np.dtype(np.int64), np.dtype(np.float64)}, name
        assert np.isfinite(part).all() and (part >= 0).all(), name
        assert np.array_equal(part, alone[name]), name


@every_metric
@few
@some_maps
def test_the_score_of_the_sums_is_that_of_the_whole(metric: Metric, seed: int) -> None:
    pair = maps(seed)
    whole = summed(parts_of(metric, *pair))
    assert metric.of(*pair, CLASSES) == metric.value(whole)
    halves = [summed(parts_of(metric, *(each[part] for each in pair))) for part in (slice(1), slice(1, None))]
    merged = {name: halves[0][name] + halves[1][name] for name in whole}
    np.testing.assert_allclose(scores_of(metric, merged), scores_of(metric, whole), rtol=0, atol=1e-12)


@every_metric
@few
@some_maps
def test_scores_without_one_image_are_computed_at_once(metric: Metric, seed: int) -> None:
    """What an image moves a score by follows from the scores of the other three."""
    parts = parts_of(metric, *maps(seed))
    found = influences(parts, lambda sums: scores_of(metric, sums))
    others = [[image for image in range(4) if image != left_out] for left_out in range(4)]
    expected = np.array(
        [scores_of(metric, summed({name: part[kept] for name, part in parts.items()})) for kept in others]
    )
    np.testing.assert_allclose(found, 3 / 4 * (expected.mean(axis=0) - expected), rtol=0, atol=1e-12)


@every_metric
@few
@some_maps
def test_a_perfect_prediction_scores_best_whatever_is_predicted_at_void(metric: Metric, seed: int) -> None:
    _, truth = maps(seed)
    anything = np.random.default_rng(seed).integers(0, 256, truth.shape)
    best = 1.0 if metric.higher_is_better else 0.0
    scores = scores_of(metric, summed(parts_of(metric, np.where(truth == 255, anything, truth), truth)))
    assert scores[0] == best
    assert set(scores[~np.isnan(scores)]) == {best}


@every_metric
@few
@some_maps
def test_void_is_ignored(metric: Metric, seed: int) -> None:
    prediction, truth = maps(seed, void=0.3)
    other = np.where(truth == 255, np.random.default_rng(seed).integers(0, CLASSES, truth.shape), prediction)
    before, after = parts_of(metric, prediction, truth), parts_of(metric, other, truth)
    assert all(np.array_equal(part, after[name]) for name, part in before.items())


@every_metric
@few
@some_maps
def test_range_and_direction(metric: Metric, seed: int) -> None:
    scores = [metric.of(*maps(seed, wrong=wrong, images=12), CLASSES) for wrong in (0.02, 0.3, 1.0)]
    assert min(scores) >= 0 and max(scores) <= 1
    assert scores == sorted(scores, reverse=metric.higher_is_better)
    assert len(set(scores)) == 3


@every_metric
def test_nothing_counts_where_all_is_void(metric: Metric) -> None:
    prediction, truth = maps(0, void=1.0)
    scores = scores_of(metric, summed(parts_of(metric, prediction, truth)))
    assert np.isnan(scores).all()


@every_metric
def test_an_image_of_nothing_but_void_changes_no_score(metric: Metric) -> None:
    prediction, truth = maps(0)
    truth[2] = 255
    kept = [0, 1, 3]
    assert metric.of(prediction, truth, CLASSES) == metric.of(prediction[kept], truth[kept], CLASSES)


@every_metric
def test_it_says_what_it_is(metric: Metric) -> None:
    assert metric.name and metric.title and not set(metric.name) & set(' ,"')
    assert metric.definition.endswith(".")
    assert (metric.class_value is None) == (metric.class_name == "")


@every_metric
def test_the_docs_list_it(metric: Metric) -> None:
    """With the sentence of its declaration: there is one definition."""
    text = (PROJECT / "docs" / "statistics.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|") and f"`{metric.name}`" in line]
    assert len(rows) == 1, f"docs/statistics.md: | `{metric.name}` | {metric.definition} |"
    assert metric.definition in rows[0]
    assert not metric.class_name or f"`{metric.class_name}`" in rows[0]


def test_a_part_is_one_thing() -> None:
    """Functions that share a name would overwrite each other's column of `per_image.parquet`."""
    functions = dict.fromkeys(metric.parts for metric in METRICS.values())
    names = [name for parts in functions for name in parts(label_maps(*maps(0), CLASSES))]
    assert len(set(names)) == len(names)
    assert not {"image", "labels"} & set(names)


def test_parts_grow_with_the_classes_not_with_their_pairs() -> None:
    """ADE20K has 150 classes and 2,000 images: a matrix of every image would not fit into memory."""
    prediction, truth = maps(0)
    for metric in METRICS.values():
        for part in metric.parts(label_maps(prediction, truth, 150)).values():
            assert part.shape[1] <= 150
