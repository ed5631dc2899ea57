"""The parts of a training step: what they add up to, and what must not be in them."""

from __future__ import annotations

import pandas as pd
import pytest

from difnet.config import resolve_run
from difnet.data import prepare
from difnet.tables import BREAKDOWN
from difnet.timing.training_step import PARTS, training_step_breakdown
from tests.conftest import CATALOGUE

VARIANTS = ("cascade", "seed_only", "deeplab", "pixel_prior")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    data = tmp_path_factory.mktemp("data")
    runs = [resolve_run(CATALOGUE, benchmark="tiny", ablation=name, seed=0) for name in VARIANTS]
    prepare(runs[0].data, data)
    return training_step_breakdown(runs, data=data)


def test_shares_add_up_for_every_variant_that_is_trained(table: pd.DataFrame) -> None:
    assert list(table.columns) == BREAKDOWN.columns
    assert table.groupby("variant")["share"].sum().to_dict() == pytest.approx(
        dict.fromkeys(VARIANTS[:3], 1.0)
    )
    assert table["part"].tolist() == [*PARTS] * 3
    total = table.groupby("variant")["ms"].transform("sum")
    assert (table["ms"] / total).to_numpy() == pytest.approx(table["share"].to_numpy())


def test_only_diffusion_walks_and_every_network_convolves(table: pd.DataFrame) -> None:
    share = table.set_index(["variant", "part"])["share"]
    assert share["cascade", "walks"] > 0.01
    assert share["seed_only", "walks"] == share["deeplab", "walks"] == 0
    assert all(share[name, "convolutions"] > 0.1 for name in VARIANTS[:3])
    assert all(share[name, "data"] > 0 for name in VARIANTS[:3])
