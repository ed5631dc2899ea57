"""The figure that decides a claim."""

from __future__ import annotations

from pathlib import Path

import pytest

from difnet.report.definitions import VERDICTS
from difnet.report.records import Judgement
from difnet.report.sections.claims import _claim
from tests.report.conftest import Rendered, rendered_in
from tests.report.project import make_project
from tests.report.test_numbers import read

NARROW = "miou a - b = +0.0200 [+0.0100, +0.0300], claimed > 0, over 3 seeds"
WIDE = "miou a - c = +0.0200 [+0.0010, +0.0390], claimed > 0, over 3 seeds"
OPEN = "miou a - d = +0.0100 [-0.0100, +0.0300], claimed > 0, over 3 seeds"
BEATEN = "miou a - e = -0.0200 [-0.0300, -0.0100], claimed > 0, over 3 seeds"
RATIO = "latency_ms x / y at N = 4225 on cpu = 12.9 [1.1e+01, 15.2], claimed > 1, over repeats"
MISSING = "miou a - f: not run"


@pytest.mark.parametrize(
    ("verdict", "tests", "deciding"),
    [
        ("reproduced", (NARROW, WIDE), "miou a - c = +0.0200 [+0.0010, +0.0390]"),
        ("inconclusive", (NARROW, OPEN), "miou a - d = +0.0100 [-0.0100, +0.0300]"),
        ("not reproduced", (OPEN, BEATEN), "miou a - e = -0.0200 [-0.0300, -0.0100]"),
        ("reproduced", (RATIO,), "latency_ms x / y at N = 4225 on cpu = 12.9 [1.1e+01, 15.2]"),
        ("not run", (MISSING,), ""),
        ("not run", (), ""),
    ],
)
def test_deciding_figure(verdict: str, tests: tuple[str, ...], deciding: str) -> None:
    claim = _claim(Judgement("C", verdict, "; ".join(["The statement", *tests, "p = 0.1"])))
    assert (claim.statement, claim.deciding) == ("The statement", deciding)


@pytest.mark.parametrize("verdict", ["reproduced", "not reproduced", "inconclusive"])
def test_verdict_on_one_seed_says_so(verdict: str) -> None:
    lone = NARROW.replace("3 seeds", "101 images, one seed")
    for tests, words in (((NARROW, lone), f"{verdict} on one seed"), ((NARROW, WIDE, MISSING), verdict)):
        judgement = Judgement("C", verdict, "; ".join(["The statement of one seed", *tests, "p = 0.1"]))
        claim = _claim(judgement)
        assert (claim.verdict, judgement.words) == (words, words)
        assert claim.style == VERDICTS[verdict][1]


def test_report_on_one_seed_says_so_in_every_verdict(tmp_path: Path) -> None:
    results = make_project(tmp_path, variants={"cascade": "Cascade"}, seeds=(0,))
    table = results / "toy" / "claims.csv"
    table.write_text(table.read_text().replace("over 3 seeds", "over 101 images, one seed"))
    text = rendered_in(tmp_path, results).page.by_id("toy-results").text
    for verdict, claim in (("reproduced", "C3"), ("not reproduced", "C5"), ("inconclusive", "C1")):
        assert f"1 {verdict} on one seed ({claim})" in text
        assert f"{claim} {verdict} on one seed" in text
    assert "1 not run (C7)" in text


def test_chips_show_the_numbers_of_claims_csv(rendered: Rendered) -> None:
    claims = read(rendered.results / "toy" / "claims.csv").set_index("claim")
    (chips,) = [item for item in rendered.page.root.all("ul") if item.attributes.get("class") == "verdicts"]
    shown = {}
    for item in chips.all("li"):
        (link,) = item.all("a")
        name, verdict = link.text.split(maxsplit=2)[1:]
        shown[name] = (verdict, "".join(small.text for small in item.all("small")))
    assert list(shown) == list(claims.index)
    for name, (verdict, deciding) in shown.items():
        assert verdict == claims.loc[name, "verdict"]
        assert deciding in claims.loc[name, "evidence"]
    assert shown["C5"][1] == "miou cascade - seed_only = -0.0200 [-0.0300, -0.0100]"
