"""The claims of the paper and the verdict on each."""

from __future__ import annotations

from dataclasses import dataclass

from difnet.report.definitions import VERDICTS
from difnet.report.load import Results
from difnet.report.records import Judgement
from difnet.report.section import Section
from difnet.report.table import Cell, Column, Table


@dataclass(frozen=True)
class Claim:
    """One claim with its verdict."""

    name: str
    statement: str
    verdict: str
    symbol: str
    style: str
    evidence: str


def build(results: Results) -> Section:
    """Every claim with a verdict and the numbers that decide it."""
    claims = [_claim(judgement) for judgement in results.judgements]
    table = Table(
        name="claims",
        caption="Claims of the paper",
        columns=tuple(
            Column(title, numeric=False) for title in ("Claim", "Statement", "Verdict", "Evidence")
        ),
        rows=tuple(
            tuple(Cell(text) for text in (claim.name, claim.statement, claim.verdict, claim.evidence))
            for claim in claims
        ),
    )
    return Section(
        key="claims",
        title="Claims",
        content={"claims": claims, "verdicts": VERDICTS},
        tables={"claims": table} if claims else {},
    )


def _claim(judgement: Judgement) -> Claim:
    """The evidence begins with the statement of the claim; its parts are separated by semicolons."""
    statement, _, evidence = judgement.evidence.partition("; ")
    symbol, style, _ = VERDICTS.get(judgement.verdict, VERDICTS["not run"])
    return Claim(
        name=judgement.claim,
        statement=statement,
        verdict=judgement.verdict,
        symbol=symbol,
        style=style,
        evidence=evidence,
    )
