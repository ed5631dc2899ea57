"""Schema of `workflow/claims.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from difnet.config.files import read_yaml
from difnet.config.schema import Section


class PaperFigures(Section):
    """What the paper reports on one data set."""

    dataset: str
    figures: str


class PairTest(Section):
    """One pair of variants that a claim compares."""

    variant: str
    reference: str
    optional: bool = False
    """Counts only where both variants were run."""


class ClaimOfPaper(Section):
    """What all claims have."""

    id: str
    statement: str
    scope: Literal["all"] | list[str]
    """Data sets on which it is judged."""
    paper: list[PaperFigures] = Field(default_factory=list)

    def limit(self, dataset: str) -> str:
        """`only for A, B` where the claim is not judged on a data set; else empty."""
        return "" if self.scope == "all" or dataset in self.scope else f"only for {', '.join(self.scope)}"


class DifferenceClaim(ClaimOfPaper):
    """A claim about the difference of two variants in one metric."""

    form: Literal["superiority", "non_inferiority"]
    metric: str
    direction: Literal["higher", "lower"]
    margin: NonNegativeFloat
    tests: list[PairTest] = Field(min_length=1)


class CostClaim(ClaimOfPaper):
    """A claim that one subject costs less than others, and that the gap grows with the number of nodes."""

    form: Literal["cost"]
    metrics: list[str] = Field(min_length=1)
    variant: str
    references: list[str] = Field(min_length=1)
    """The cheapest of them at the size that decides is the one compared with."""
    nodes_from: PositiveInt
    """Smaller sizes, where overhead rules, do not count."""
    ratio: PositiveFloat
    exponent_margin: NonNegativeFloat


Claim = Annotated[DifferenceClaim | CostClaim, Field(discriminator="form")]


class ClaimFile(Section):
    """The whole file."""

    equivalence: NonNegativeFloat
    claims: list[Claim] = Field(min_length=1)


def read_claims(path: Path) -> ClaimFile:
    """Read and check the claims.

    Raises:
        InputError: If there is no such file, it is not YAML, or a key or value is not in the schema.
    """
    return read_yaml(path).check(ClaimFile)
