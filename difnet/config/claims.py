"""The claims of the paper as data: the schema of `workflow/claims.yaml`, and the variants that they need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from difnet.config.base_schema import Section
from difnet.config.errors import InputError
from difnet.config.files import read_yaml
from difnet.config.suggestions import nearest


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
    family: Literal["confirmatory", "exploratory"]
    """Claims of one family are corrected for each other."""
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

    @property
    def variants(self) -> list[str]:
        """The variants that it cannot be judged without."""
        needed = [test for test in self.tests if not test.optional]
        return list(dict.fromkeys(name for test in needed for name in (test.variant, test.reference)))


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
    variants: ClassVar[list[str]] = []
    """The timing of operators is part of every benchmark."""


Claim = Annotated[DifferenceClaim | CostClaim, Field(discriminator="form")]


class ClaimFile(Section):
    """The whole file."""

    equivalence: NonNegativeFloat
    """A superiority claim is not reproduced when the whole interval is this close to its margin."""
    effect: PositiveFloat
    """The difference in a score beyond the margin that a study should be able to show."""
    claims: list[Claim] = Field(min_length=1)

    def variants(self, ids: Sequence[str]) -> list[str]:
        """The variants that these claims need.

        Raises:
            InputError: If there is no such claim.
        """
        known = {claim.id: claim for claim in self.claims}
        for name in ids:
            if name not in known:
                raise InputError(f"claims: there is no claim '{name}'{nearest(name, list(known))}")
        return list(dict.fromkeys(variant for name in ids for variant in known[name].variants))


def read_claims(path: Path) -> ClaimFile:
    """Read and check the claims.

    Raises:
        InputError: If there is no such file, it is not YAML, or a key or value is not in the schema.
    """
    return read_yaml(path).check(ClaimFile)
