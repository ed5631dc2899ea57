"""Figures show every seed and say what is under the mouse."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from difnet.report.figures import curves
from difnet.report.figures.plot import WIDE, figure_style, look
from difnet.report.figures.seeds import scores_by_seed
from difnet.tables import SCORES
from tests.report.conftest import Rendered


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_there_is_a_dot_for_every_seed(rendered: Rendered, width: str) -> None:
    plot = scores_by_seed(rendered.results)
    assert plot is not None
    titles = re.findall(r"<title>(.*?)</title>", getattr(plot, width).svg)
    dots = [title for title in titles if ", seed " in title]
    rows = [
        row
        for row in SCORES.rows(SCORES.read(rendered.folder / "scores.csv"))
        if not row.class_ and row.metric in {"miou", "boundary_f"}
    ]
    expected = [f"{rendered.results.title_of(row.variant)}, seed {row.seed}: {row.value:.3f}" for row in rows]
    assert sorted(dots) == sorted(expected) and len(dots) == 32


def test_every_figure_says_what_is_under_the_mouse(rendered: Rendered) -> None:
    for path in (rendered.folder / "figures").glob("*.svg"):
        if not path.name.startswith("classes"):  # its numbers are written in it, and are a table of the page
            assert "<title>" in path.read_text(encoding="utf-8"), path.name


def test_axes_fit_the_trained_variants(rendered: Rendered) -> None:
    """The pixel prior lies far below: an arrow at the edge, and its number beside its line."""
    results = rendered.results
    *others, prior = results.variants
    config = prior.plan.config
    model = config.model.model_copy(update={"name": "pixel_prior"})
    plan = prior.plan.model_copy(update={"config": config.model_copy(update={"model": model})})
    low = replace(results.estimates["miou"][prior.name], mean=0.0123, ci_low=0.01, ci_high=0.02)
    results.estimates["miou"][prior.name] = low
    results = replace(results, variants=(*others, replace(prior, plan=plan)))
    assert results.untrained == {prior.name}
    plot = scores_by_seed(results)
    assert plot is not None
    with figure_style():
        axes = plot.draw(WIDE).axes[0]
    left, right = axes.get_xlim()
    trained = [row.mean for name, row in results.estimates["miou"].items() if name != prior.name]
    assert 0.1 < left < min(trained) and max(trained) < right < 1
    assert "0.012" in [text.get_text() for text in axes.texts]
    assert [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "<"] == [left]


def test_twelve_variants_look_different() -> None:
    assert len({look(place) for place in range(12)}) == 12
    assert len({(look(place).marker, look(place).dash) for place in range(8)}) == 8


def test_hundreds_of_learning_curves_are_not_all_drawn(
    rendered: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caption says how many are."""
    monkeypatch.setattr(curves, "MAX_TOGETHER", 2)
    monkeypatch.setattr(curves, "MOST_APART", 3)
    plot = curves.learning_curves(rendered.results)
    assert plot is not None
    (trained,) = map(int, re.findall(r"Training loss of (\d+) variants", plot.finding))
    assert trained > 3 and f"The first 3 of {trained} variants have a panel." in plot.caption
    assert plot.wide.svg.count(" at the end</title>") == 3
