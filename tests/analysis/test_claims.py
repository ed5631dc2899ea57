"""Claims of workflow/claims.yaml on constructed studies and cost tables."""

from __future__ import annotations

import pandas as pd
import pytest

from difnet.analysis.claim_schema import read_claims
from difnet.analysis.claims import judge
from difnet.analysis.tables import GROWTH, TIMING
from difnet.config.errors import InputError
from tests.analysis.builders import CLAIMS, study

METRICS = ("latency_ms", "peak_memory_mb")
GOOD_COSTS = ((10, 100), (5, 50))
"""Cost of the cascade and of the dense inverse: time, then memory."""
LEVELS = ("image", "layer1", "layer2", "layer3", "layer4")


def verdicts(errors, data="shapes", timing=None, growth=None, claims=CLAIMS):
    table = judge(read_claims(claims), study(errors, data=data), timing, growth)
    return table.set_index("claim")["verdict"].to_dict(), table.set_index("claim")["evidence"].to_dict()


def test_margins_are_those_fixed_in_advance():
    file = read_claims(CLAIMS)
    assert [claim.id for claim in file.claims] == [f"C{number}" for number in range(1, 9)]
    margins = {claim.id: claim.margin for claim in file.claims if claim.form != "cost"}
    assert margins == {"C1": 0, "C2": 0, "C3": 0.01, "C5": 0, "C6": 0, "C7": 0, "C8": 0}
    assert file.equivalence == 0.005
    assert (file.claims[3].ratio, file.claims[3].exponent_margin) == (1.0, 0.3)


def test_everything_holds():
    errors = {"cascade": 0.05, "dense_inverse": 0.05, "seed_only": 0.2, "similarity_only": 0.3}
    errors |= {"deeplab": 0.2, "deeplab_equal_parameters": 0.15, "no_importance": 0.2}
    errors |= {f"level_{level}_x5": 0.2 for level in LEVELS}
    errors |= {"matched_walks_5": 0.05, "matched_exact": 0.08}
    found, evidence = verdicts(errors)
    assert found.pop("C3") in {"reproduced", "inconclusive"}
    assert found.pop("C4") == "not run"
    assert set(found.values()) == {"reproduced"}
    assert "miou cascade - deeplab = +0." in evidence["C1"] and "over 3 seeds x 8 images" in evidence["C1"]
    assert "interval corrected to" in evidence["C1"]


def test_everything_fails():
    errors = {"cascade": 0.3, "dense_inverse": 0.1, "seed_only": 0.1, "deeplab": 0.1, "no_importance": 0.1}
    found, evidence = verdicts(errors)
    failed = {claim for claim, verdict in found.items() if verdict == "not reproduced"}
    assert failed == {"C1", "C3", "C5", "C6", "C8"}
    assert {claim for claim, verdict in found.items() if verdict == "not run"} == {"C2", "C4", "C7"}
    assert "level_image_x5: not run" in evidence["C7"]


def test_no_difference_with_noise_is_open():
    errors = {"cascade": 0.3, "deeplab": 0.3}
    assert verdicts(errors)[0]["C1"] in {"inconclusive", "not reproduced"}


def test_equal_variants():
    """No difference at all: no worse, but not better."""
    found, evidence = verdicts({"cascade": 0.0, "dense_inverse": 0.0, "deeplab": 0.0})
    assert found["C3"] == "reproduced" and found["C1"] == "not reproduced"
    assert "miou cascade - dense_inverse = +0.0000 [+0.0000, +0.0000], claimed > -0.01" in evidence["C3"]


def test_the_optional_pair_counts_when_it_was_run():
    errors = {"cascade": 0.05, "dense_inverse": 0.2}
    assert verdicts(errors)[0]["C3"] == "reproduced"
    errors |= {"matched_walks_5": 0.3, "matched_exact": 0.05}
    assert verdicts(errors)[0]["C3"] == "not reproduced"


def test_paper_figures_stand_beside_ours_on_the_same_data_only():
    errors = {"cascade": 0.05, "deeplab": 0.2}
    assert "paper: mIoU DifNet-50 0.7248" in verdicts(errors, data="voc2012")[1]["C1"]
    assert "paper" not in verdicts(errors)[1]["C1"]


def edited(tmp_path, old, new):
    path = tmp_path / "claims.yaml"
    path.write_text(CLAIMS.read_text().replace(old, new, 1))
    return path


def test_scope_and_direction(tmp_path):
    errors = {"cascade": 0.05, "deeplab": 0.2}
    elsewhere = edited(tmp_path, "scope: all", "scope: [camvid]")
    found, evidence = verdicts(errors, claims=elsewhere)
    assert found["C1"] == "not run" and "only for camvid" in evidence["C1"]
    lower = edited(tmp_path, "direction: higher", "direction: lower")
    assert verdicts(errors, claims=lower)[0]["C1"] == "not reproduced"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metric: miou", "metric: miuo", "claim C1: unknown metric 'miuo'"),
        ("direction: higher", "direction: up", "direction"),
        ("margin: 0.0", "margin: little", "margin"),
        ("scope: all", "scoop: all", "scoop"),
        ("form: superiority", "form: glory", "form|glory"),
    ],
)
def test_bad_claims_file(tmp_path, old, new, message):
    with pytest.raises(InputError, match=message) as error:
        verdicts({"cascade": 0.05, "deeplab": 0.2}, claims=edited(tmp_path, old, new))
    assert "\n" not in str(error.value)


def cost_tables(folder, costs, exponents, *, spread=0.02, status="ok"):
    """Timing at N = 1024 and 4096 (the dense inverse only up to 1024 with CuPy) and growth."""
    rows = []
    for metric, (own, other) in zip(METRICS, costs, strict=True):
        for subject, value, nodes, state in (
            ("cascade", own, 4096, "ok"),
            ("dense_inverse_torch", 2 * other, 4096, status),
            ("dense_inverse_scipy", other, 4096, status),
            ("dense_inverse_cupy", None, 4096, "not_run (no GPU)"),
            ("cascade", own / 10, 1024, "ok"),
            ("dense_inverse_scipy", own / 100, 1024, status),
        ):
            bounds = (None, None) if value is None else (value * (1 - spread), value * (1 + spread))
            rows.append((subject, "cpu", "float32", nodes, 21, 1, metric, value, *bounds, state))
    pd.DataFrame(rows, columns=list(TIMING)).to_csv(folder / "timing.csv", index=False)
    rows = [
        (subject, "cpu", "float32", metric, exponent, exponent - 0.1, exponent + 0.1)
        for metric in METRICS
        for subject, exponent in zip(("cascade", "dense_inverse_scipy"), exponents, strict=True)
    ]
    pd.DataFrame(rows, columns=list(GROWTH)).to_csv(folder / "growth.csv", index=False)
    return {"timing": folder / "timing.csv", "growth": folder / "growth.csv"}


COSTS = [
    (GOOD_COSTS, (2.0, 3.0), 0.02, "reproduced"),
    (((100, 10), (5, 50)), (2.0, 3.0), 0.02, "not reproduced"),
    (((10, 100), (50, 5)), (2.0, 3.0), 0.02, "not reproduced"),
    (GOOD_COSTS, (2.0, 2.05), 0.02, "not reproduced"),
    (GOOD_COSTS, (2.0, 2.35), 0.02, "inconclusive"),
    (((10, 11), (5, 50)), (2.0, 3.0), 0.5, "inconclusive"),
]


@pytest.mark.parametrize(("costs", "exponents", "spread", "expected"), COSTS)
def test_cost_claim(tmp_path, costs, exponents, spread, expected):
    tables = cost_tables(tmp_path, costs, exponents, spread=spread)
    assert verdicts({"cascade": 0.05}, **tables)[0]["C4"] == expected


def test_cost_evidence_names_the_cheapest_backend_at_the_largest_size(tmp_path):
    tables = cost_tables(tmp_path, GOOD_COSTS, (2.0, 3.0))
    evidence = verdicts({"cascade": 0.05}, **tables)[1]["C4"]
    assert "latency_ms dense_inverse_scipy / cascade at N = 4096 on cpu = 10 [" in evidence
    assert "growth exponent dense_inverse_scipy - cascade on cpu = +1.0000 [" in evidence


def test_cost_not_run(tmp_path):
    tables = cost_tables(tmp_path, GOOD_COSTS, (2.0, 3.0), status="does_not_fit")
    assert verdicts({"cascade": 0.05}, **tables)[0]["C4"] == "not run"
    assert verdicts({"cascade": 0.05})[0]["C4"] == "not run"


def test_words_in_a_cost_table(tmp_path):
    tables = cost_tables(tmp_path, GOOD_COSTS, (2.0, 3.0))
    text = tables["timing"].read_text()
    tables["timing"].write_text(text.replace(",10.0,", ",fast,", 1))
    with pytest.raises(InputError, match=r"timing.csv: column 'value' holds something that is not a number"):
        verdicts({"cascade": 0.05}, **tables)
