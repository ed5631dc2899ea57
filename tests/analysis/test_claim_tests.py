"""Claims of workflow/claims.yaml on constructed studies."""

from __future__ import annotations

import math

import pytest

from difnet.analysis.verdicts import judge
from difnet.config.claims import read_claims
from difnet.config.errors import InputError
from tests.analysis.builders import CLAIM_FILE, study

LEVELS = ("image", "layer1", "layer2", "layer3", "layer4")


def judged(errors, *, data="shapes", seeds=3, claims=CLAIM_FILE):
    """Claims by name, and their tests by name and place."""
    rows, tests = judge(read_claims(claims), study(errors, seeds, data))
    return {row.claim: row for row in rows}, {(test.claim, test.test): test for test in tests}


def verdicts(errors, **options):
    return {claim: row.verdict for claim, row in judged(errors, **options)[0].items()}


def test_margins_are_those_fixed_in_advance():
    file = read_claims(CLAIM_FILE)
    assert [claim.id for claim in file.claims] == [f"C{number}" for number in range(1, 9)]
    margins = {claim.id: claim.margin for claim in file.claims if claim.form != "cost"}
    assert margins == {"C1": 0, "C2": 0, "C3": 0.01, "C5": 0, "C6": 0, "C7": 0, "C8": 0}
    assert (file.equivalence, file.effect) == (0.005, 0.02)
    assert [claim.id for claim in file.claims if claim.family == "confirmatory"] == ["C1", "C3", "C5"]
    assert (file.claims[3].ratio, file.claims[3].exponent_margin) == (1.0, 0.3)


def test_everything_holds():
    errors = {"cascade": 0.05, "dense_inverse": 0.05, "seed_only": 0.2, "similarity_only": 0.3}
    errors |= {"deeplab": 0.2, "deeplab_equal_parameters": 0.15, "no_importance": 0.2, "shared_resnet": 0.2}
    errors |= {f"level_{level}_x5": 0.2 for level in LEVELS}
    errors |= {"matched_walks_5": 0.05, "matched_exact": 0.08}
    claims, tests = judged(errors)
    found = {claim: row.verdict for claim, row in claims.items()}
    assert found.pop("C3") in {"reproduced", "inconclusive"}
    assert found.pop("C4") == "not run"
    assert set(found.values()) == {"reproduced"}
    test = tests["C1", 1]
    assert (test.quantity, test.metric, test.variant, test.reference) == (
        *("difference", "miou"),
        *("cascade", "deeplab"),
    )
    assert (test.bound, test.verdict, test.unit, test.status) == (0, "reproduced", "3 seeds x 8 images", "ok")
    assert 0 < test.ci_low < test.value < test.ci_high
    # Holm's levels for the three claims of its family.
    assert 0.95 <= claims["C1"].confidence <= 1 - 0.05 / 3
    assert claims["C1"].p_value == test.p_value < 0.05
    assert claims["C7"].p_value == max(tests["C7", place].p_value for place in range(1, 6))


def test_words_are_made_of_the_numbers():
    claims, tests = judged({"cascade": 0.05, "deeplab": 0.2})
    test = tests["C1", 1]
    assert claims["C1"].evidence == (
        f"miou cascade - deeplab = {test.value:+.4f} [{test.ci_low:+.4f}, {test.ci_high:+.4f}], claimed > 0, "
        "over 3 seeds x 8 images"
    )
    assert claims["C2"].evidence == (
        "miou cascade - deeplab_equal_parameters: not run (no run of deeplab_equal_parameters)"
    )


def test_a_statement_with_a_semicolon_stays_whole(tmp_path):
    statement = "DifNet beats the baseline; of the same depth"
    claims, _ = judged({"cascade": 0.1}, claims=edited(tmp_path, statement.replace(";", ""), statement))
    assert claims["C1"].statement == statement


def test_more_claims_widen_the_interval():
    errors = {"cascade": 0.05, "deeplab": 0.1}
    more = {"dense_inverse": 0.1, "seed_only": 0.1, "similarity_only": 0.1, "shared_resnet": 0.1}
    others = {"no_importance": 0.1, "deeplab_equal_parameters": 0.1}
    (alone, alone_tests), (among, among_tests) = judged(errors), judged(errors | more)
    assert alone["C1"].confidence == pytest.approx(0.95) and among["C1"].confidence > 0.95
    first, second = alone_tests["C1", 1], among_tests["C1", 1]
    assert first.value == second.value and first.p_value == second.p_value
    assert second.ci_low < first.ci_low and first.ci_high < second.ci_high
    assert judged(errors | others)[0]["C1"].confidence == pytest.approx(0.95), "another family"


@pytest.mark.parametrize(
    ("seeds", "images", "remark"),
    [
        (1, 8, "one seed"),
        (2, 8, "two seeds"),
        (3, 4, "fewer than 5 independent blocks of images"),
        (3, 8, ""),
    ],
)
def test_too_little_to_decide(seeds, images, remark):
    runs = study({"cascade": 0.05, "deeplab": 0.2}, seeds, images=images)
    rows, _ = judge(read_claims(CLAIM_FILE), runs)
    claim = next(row for row in rows if row.claim == "C1")
    assert (claim.verdict, claim.remark) == ("inconclusive" if remark else "reproduced", remark)
    assert math.isnan(claim.p_value) == bool(remark)


def test_a_claim_decided_at_a_look_stays_decided():
    """Ten seeds, looks at 5 and 10: decided at the first, at half the error of 5%."""
    runs = study({"cascade": 0.05, "deeplab": 0.2, "seed_only": 0.0502, "similarity_only": 0.2}, 10)
    rows, tests = judge(read_claims(CLAIM_FILE), runs, looks=[5, 10])
    claims = {row.claim: row for row in rows}
    assert (claims["C1"].verdict, claims["C1"].look) == ("reproduced", "look 1 of 2, at 5 seeds")
    assert claims["C1"].confidence == pytest.approx(1 - 0.025 / 2), "Holm's first level of two claims"
    assert next(test.unit for test in tests if test.claim == "C1") == "5 seeds x 8 images"
    assert claims["C6"].look == "look 2 of 2, at 10 seeds"


def test_no_verdict_before_the_first_look():
    runs = study({"cascade": 0.05, "deeplab": 0.2}, 4)
    rows, _ = judge(read_claims(CLAIM_FILE), runs, looks=[5, 10])
    assert (rows[0].verdict, rows[0].remark) == ("inconclusive", "before the first look, at 5 seeds")


def test_an_open_verdict_says_what_it_would_take():
    rows, _ = judge(
        read_claims(CLAIM_FILE), study({"cascade": 0.3, "deeplab": 0.303, "dense_inverse": 0.1}, images=6)
    )
    claims = {row.claim: row for row in rows}
    assert claims["C1"].verdict == "inconclusive" and claims["C1"].effect == 0.02
    assert claims["C1"].detectable > 0.02 and claims["C1"].seeds_needed > 3
    assert claims["C3"].verdict == "not reproduced" and math.isnan(claims["C3"].detectable)


def test_everything_fails():
    errors = {"cascade": 0.3, "dense_inverse": 0.1, "seed_only": 0.1, "deeplab": 0.1, "no_importance": 0.1}
    claims, tests = judged(errors)
    found = {claim: row.verdict for claim, row in claims.items()}
    failed = {claim for claim, verdict in found.items() if verdict == "not reproduced"}
    assert failed == {"C1", "C3", "C5", "C6", "C8"}
    assert {claim for claim, verdict in found.items() if verdict == "not run"} == {"C2", "C4", "C7"}
    missing = tests["C7", 1]
    assert (missing.verdict, missing.status) == ("not run", "not_run (no run of level_image_x5)")
    assert all(math.isnan(number) for number in (missing.value, missing.ci_low, missing.p_value))
    assert math.isnan(claims["C7"].p_value) and math.isnan(claims["C7"].confidence)


def test_no_difference_with_noise_is_open():
    errors = {"cascade": 0.3, "deeplab": 0.3}
    assert verdicts(errors)["C1"] in {"inconclusive", "not reproduced"}


def test_equal_variants():
    """No difference at all: no worse, but not better."""
    claims, tests = judged({"cascade": 0.0, "dense_inverse": 0.0, "deeplab": 0.0})
    assert claims["C3"].verdict == "reproduced" and claims["C1"].verdict == "not reproduced"
    test = tests["C3", 1]
    assert (test.value, test.ci_low, test.ci_high, test.bound) == (0, 0, 0, -0.01)


def test_the_optional_pair_counts_when_it_was_run():
    errors = {"cascade": 0.05, "dense_inverse": 0.2}
    claims, tests = judged(errors)
    assert claims["C3"].verdict == "reproduced"
    assert (tests["C3", 1].optional, tests["C3", 2].optional) == ("", "yes")
    errors |= {"matched_walks_5": 0.3, "matched_exact": 0.05}
    assert verdicts(errors)["C3"] == "not reproduced"


def test_paper_figures_stand_beside_ours_on_the_same_data_only():
    errors = {"cascade": 0.05, "deeplab": 0.2}
    assert judged(errors, data="voc2012")[0]["C1"].paper.startswith("mIoU DifNet-50 0.7248")
    assert judged(errors)[0]["C1"].paper == ""


def edited(tmp_path, old, new):
    path = tmp_path / "claims.yaml"
    path.write_text(CLAIM_FILE.read_text().replace(old, new, 1))
    return path


def test_scope_and_direction(tmp_path):
    errors = {"cascade": 0.05, "deeplab": 0.2}
    elsewhere = edited(tmp_path, "scope: all", "scope: [camvid]")
    claims, tests = judged(errors, claims=elsewhere)
    assert (claims["C1"].verdict, claims["C1"].remark) == ("not run", "only for camvid")
    assert tests["C1", 1].status == "not_run (only for camvid)" and math.isnan(claims["C1"].p_value)
    lower = edited(tmp_path, "direction: higher", "direction: lower")
    claims, tests = judged(errors, claims=lower)
    assert claims["C1"].verdict == "not reproduced"
    assert (tests["C1", 1].variant, tests["C1", 1].reference) == ("deeplab", "cascade")
    assert tests["C1", 1].value < 0


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
