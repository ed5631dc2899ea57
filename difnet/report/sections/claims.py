"""The claims of the paper and the verdict on each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from difnet.report.definitions import VERDICTS
from difnet.report.load import Results
from difnet.report.records import Judgement
from difnet.report.section import Section
from difnet.report.table import Cell, Column, Table

TEST = re.compile(
    r"(?P<label>.+) = (?P<value>\S+) \[(?P<low>\S+), (?P<high>\S+)\], claimed > (?P<null>[^,]+)(,.*)?"
)
"""One test in the evidence of a claim."""


@dataclass(frozen=True)
class Claim:
    """One claim with its verdict."""

    name: str
    statement: str
    verdict: str
    """With a remark where it rests on one seed."""
    symbol: str
    style: str
    deciding: str
    """The figure that decides, with its interval; empty where nothing was tested."""
    evidence: tuple[str, ...]


def build(results: Results) -> Section:
    """Every claim with a verdict and the numbers that decide it."""
    claims = read_claims(results)
    table = Table(
        name="claims",
        caption="Claims of the paper",
        columns=tuple(
            Column(title, numeric=False) for title in ("Claim", "Statement", "Verdict", "Evidence")
        ),
        rows=tuple(
            (Cell(claim.name), Cell(claim.statement), Cell(claim.verdict), Cell("; ".join(claim.evidence)))
            for claim in claims
        ),
    )
    return Section(
        key="claims",
        title="Claims",
        content={"claims": claims, "verdicts": VERDICTS},
        tables={"claims": table} if claims else {},
    )


def read_claims(results: Results) -> list[Claim]:
    """The claims in their order."""
    return [_claim(judgement) for judgement in results.judgements]


def _claim(judgement: Judgement) -> Claim:
    statement, *evidence = judgement.parts
    symbol, style, _ = VERDICTS.get(judgement.verdict, VERDICTS["not run"])
    return Claim(
        name=judgement.claim,
        statement=statement,
        verdict=judgement.words,
        symbol=symbol,
        style=style,
        deciding=_deciding(evidence, judgement.verdict),
        evidence=tuple(evidence),
    )


def _deciding(evidence: list[str], verdict: str) -> str:
    """The test that decides: of those that hold the nearest to its bound, otherwise the first that fails."""
    tests = [match for part in evidence if (match := TEST.fullmatch(part))]
    if not tests:
        return ""
    margins = [_margin(test) for test in tests]
    failed = [place for place, margin in enumerate(margins) if margin <= 0]
    if verdict == "not reproduced":
        failed = [place for place in failed if margins[place] < -1] or failed
    place = failed[0] if failed else margins.index(min(margins))
    test = tests[place]
    return f"{test['label']} = {test['value']} [{test['low']}, {test['high']}]"


def _margin(test: re.Match[str]) -> float:
    """How far the interval lies above its bound, in lengths of the interval."""
    try:
        low, high, null = (float(test[name]) for name in ("low", "high", "null"))
    except ValueError:
        return 0.0
    return (low - null) / max(high - low, 1e-12)
