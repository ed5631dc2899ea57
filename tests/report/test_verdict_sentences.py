"""A verdict in words: made of the typed columns of its tests, whatever its statement holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from difnet.report import closing_lines
from difnet.report.sections.paper_claims import judged_claims
from difnet.report.verdict_sentences import verdict_sentence
from difnet.tables import CLAIM_TESTS, CLAIMS
from tests.report.conftest import Rendered, rendered_in
from tests.report.page import Page
from tests.report.project import claim, claim_test, make_project, write_rows

NARROW = ("dense_inverse", (0.02, 0.01, 0.03))
WIDE = ("deeplab", (0.035, 0.001, 0.066))
OPEN = ("seed_only", (0.004, -0.0004, 0.0081))
BEATEN = ("similarity_only", (-0.02, -0.03, -0.01))
CLOSE = ("dense_inverse", (-0.001, -0.006, 0.004), {"bound": -0.01})
MISSING = ("absent", (np.nan, np.nan, np.nan), {"status": "not_run (no run of absent)"})
COST = {"metric": "latency_ms", "device": "cpu", "unit": "repeats", "variant": "cascade"}
RATIO = (
    "dense_inverse_torch",
    (2.834, 2.68, 3.08),
    {**COST, "quantity": "ratio", "nodes": 3600, "bound": 1.0},
)
GROWTH = ("dense_inverse_torch", (0.032, -0.062, 0.173), {**COST, "quantity": "exponent", "bound": 0.3})
EVIL = '"It\'s" better; a < b & <script>alert(1)</script>, $x_1$'


OURS = "DifNet (cascade) scores"
THEIRS = (
    "The time of the dense inverse (PyTorch) grows faster with N "
    "than that of the cascade of five levels on cpu"
)


@pytest.mark.parametrize(
    ("verdict", "tests", "sentence"),
    [
        ("reproduced", (WIDE,), f"{OURS} 0.035 mIoU above Sim-DeepLab baseline [0.001, 0.066]"),
        (
            "reproduced",
            (NARROW, WIDE),
            f"{OURS} 0.035 mIoU above Sim-DeepLab baseline [0.001, 0.066] (the least clear of 2 comparisons)",
        ),
        ("inconclusive", (OPEN,), f"{OURS} 0.0040 mIoU above Seed branch only [−0.0004, 0.0081]"),
        (
            "not reproduced",
            (WIDE, BEATEN),
            f"{OURS} 0.020 mIoU below Similarity branch only [−0.030, −0.010] (1 of 2 comparisons hold)",
        ),
        (
            "reproduced",
            (CLOSE, (*MISSING[:2], {**MISSING[2], "optional": "yes"})),
            f"{OURS} 0.001 mIoU below Dense inverse [−0.006, 0.004], at most 0.01 below being claimed "
            "(the optional matched pair was not run)",
        ),
        (
            "reproduced",
            (RATIO,),
            "The dense inverse (PyTorch) takes 2.83 times the time of the cascade of five levels "
            "at N = 3,600 on cpu [2.68, 3.08]",
        ),
        (
            "not reproduced",
            (RATIO, GROWTH),
            f"{THEIRS}, its exponent higher by 0.032 [−0.062, 0.173], 0.3 being claimed "
            "(1 of 2 comparisons hold)",
        ),
        ("not run", (MISSING,), "The statement: no run of absent"),
        ("not run", (), "The statement: nothing was measured"),
        (
            "not run",
            (("dense_inverse", MISSING[1], {**RATIO[2], "status": "not_run (no size from N = 1,024)"}),),
            "The statement: no size from N = 1,024",
        ),
    ],
)
def test_sentences(rendered: Rendered, verdict: str, tests: tuple[Any, ...], sentence: str) -> None:
    rows = [
        claim_test("C", reference, numbers, test=place, **dict(*other))
        for place, (reference, numbers, *other) in enumerate(tests, 1)
    ]
    assert verdict_sentence(rendered.results, claim("C", verdict, "The statement"), rows) == sentence


def test_a_claim_that_needs_a_twin_of_another_network_cannot_be_run(rendered: Rendered) -> None:
    results = rendered.results
    twins = results.plan.model_copy(update={"twins": {"absent": "cascade"}})
    row, test = claim("C", "not run", "The statement"), claim_test("C", "absent", *MISSING[1:2], **MISSING[2])
    known = replace(results, plan=twins, claims=(row,), claim_tests={"C": [test]})
    (judged,) = judged_claims(known)
    assert judged.sentence == "The statement: absent is the network of DifNet (cascade) here"
    assert judged.remedy == judged.command == ""
    (judged,) = judged_claims(replace(known, plan=results.plan))
    assert "claims=[C]" in judged.command


def test_a_statement_may_hold_anything(tmp_path: Path) -> None:
    variants = {"cascade": "DifNet; <b>ours</b>", "deeplab": 'Sim-"DeepLab"'}
    folder = make_project(tmp_path, variants=variants, seeds=(0,), size=24)
    rows = [claim("C1", "reproduced", EVIL), claim("C2", "not run", EVIL)]
    write_rows(CLAIMS, rows, folder)
    write_rows(CLAIM_TESTS, [claim_test("C1", "deeplab", WIDE[1])], folder)
    page = rendered_in(tmp_path, folder).page
    words = verdicts(page)
    assert words["C1"] == (
        "reproduced",
        'DifNet; <b>ours</b> scores 0.035 mIoU above Sim-"DeepLab" [0.001, 0.066]',
    )
    assert words["C2"][1].startswith(f"{EVIL}: nothing was measured; run it: snakemake --cores all")
    assert len(page.root.all("script")) == 1
    assert list(closing_lines(folder))[1:3] == [
        f"  ✓ C1 reproduced: {words['C1'][1]}",
        f"  – C2 not run: {words['C2'][1]}",
    ]


def test_verdicts_show_the_numbers_of_the_tables(rendered: Rendered) -> None:
    claims = CLAIMS.rows(CLAIMS.read(rendered.folder / "claims.csv"))
    shown = verdicts(rendered.page)
    assert {name: verdict for name, (verdict, _) in shown.items()} == {
        row.claim: row.verdict for row in claims
    }
    (test,) = [
        row
        for row in CLAIM_TESTS.rows(CLAIM_TESTS.read(rendered.folder / "claim_tests.csv"))
        if row.claim == "C1"
    ]
    for number in (test.value, test.ci_low, test.ci_high):
        assert f"{number:.3f}".replace("-", "−") in shown["C1"][1]


def test_the_terminal_says_what_is_missing(tmp_path: Path) -> None:
    folder = make_project(tmp_path, variants={"cascade": "Cascade"}, seeds=(0, 1), size=24)
    (folder / "runs" / "cascade" / "seed1" / "scores.csv").unlink()
    first, *_, last = closing_lines(folder)
    assert first == "The toy benchmark: 1 of 2 runs finished"
    assert last == "  run again to continue: snakemake --cores all --config 'benchmarks=[toy]'"


def verdicts(page: Page) -> dict[str, tuple[str, str]]:
    """Verdict and sentence of every claim on the first screen."""
    (block,) = [item for item in page.root.all("div") if item.attributes.get("class") == "verdicts"]
    found = {}
    for item in block.all("li"):
        (chip,) = item.all("a")
        (words,) = [span for span in item.all("span") if span.attributes.get("class") == "words"]
        _, name, verdict = chip.text.split(maxsplit=2)
        found[name] = (verdict, words.text)
    return found
