"""The claims of the paper: their statements, tests and deciding figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from difnet.report.sections.paper_claims import JudgedClaim
from tests.report.conftest import Rendered, rendered_in
from tests.report.project import claim, claim_test, make_project, write_claims

OPEN = ("d", (0.01, -0.01, 0.03))
MISSING = ("f", (np.nan, np.nan, np.nan), {"status": "not_run (no such variant)"})


def judged(verdict: str, *tests: tuple[Any, ...]) -> JudgedClaim:
    rows = [
        claim_test("C", reference, numbers, test=place, **dict(*other))
        for place, (reference, numbers, *other) in enumerate(tests, 1)
    ]
    return JudgedClaim(claim("C", verdict, "The statement"), tuple(rows))


def test_costs_are_ratios_and_exponents_of_the_reference_to_the_variant() -> None:
    cost = {"metric": "latency_ms", "device": "cpu", "unit": "repeats"}
    ratio = ("dense", (12.94, 11.02, 15.2), {**cost, "quantity": "ratio", "nodes": 4225, "bound": 1.0})
    exponent = ("dense", (0.9, 0.8, 1.0), {**cost, "quantity": "exponent", "bound": 0.3})
    assert judged("reproduced", ratio, exponent).lines[:2] == [
        "time, dense / cascade of five levels at N = 4,225 on cpu = 12.9 [11.0, 15.2], claimed > 1, over "
        "repeats: reproduced",
        "growth exponent of time, dense − cascade of five levels on cpu = +0.900 [+0.800, +1.000], claimed > "
        "0.3, over repeats: reproduced",
    ]


def test_every_test_and_the_correction_are_lines() -> None:
    assert judged("inconclusive", OPEN, MISSING).lines == [
        "mIoU cascade − d = +0.0100 [−0.0100, +0.0300], claimed > 0, over 3 seeds: inconclusive",
        "mIoU cascade − f: not run: no such variant",
        "two-sided p = 0.100 before correction, intervals corrected to 98.75% in its family",
    ]


def test_a_statement_with_a_semicolon_is_whole(rendered: Rendered) -> None:
    statement = "DifNet beats the baseline; both have the same depth"
    section = rendered.page.by_id("toy-claims")
    assert statement in [item.text for item in section.all("p")]
    exported = (rendered.folder / "tables" / "claims.csv").read_text(encoding="utf-8")
    assert f"C1,{statement},inconclusive" in exported


def test_report_on_one_seed_says_so_in_every_verdict(tmp_path: Path) -> None:
    folder = make_project(tmp_path, variants={"cascade": "Cascade"}, seeds=(0,))
    write_claims(folder, remark="on one seed")
    page = rendered_in(tmp_path, folder).page
    for verdict, name in (("reproduced", "C3"), ("not reproduced", "C5"), ("inconclusive", "C1")):
        assert f"{name} {verdict}, on one seed" in page.by_id("toy-results").text
        assert f"{verdict}, on one seed" in page.by_id("toy-claims").text
    assert "C7 not run" in page.by_id("toy-results").text


def test_a_claim_tells_its_course_and_what_was_not_converged(rendered: Rendered) -> None:
    text = rendered.page.by_id("toy-claims").text
    assert (
        "cascade − seed_only: −0.020 at 1,000 steps; before that +0.010, +0.020, +0.030 at 250, 500, 750"
        in text
    )
    assert "not converged, the training loss was still falling: seed_only" in text
    figure = rendered.page.by_id("toy-training").text
    assert (
        "Differences of 1 claim along training. At the end: C5 DifNet (cascade) − Seed branch only −0.020"
        in figure
    )
