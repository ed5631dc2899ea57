"""Looks at a growing study share one error."""

from __future__ import annotations

import pytest

from difnet.analysis.looks import planned_looks


def test_one_look_has_all_of_the_error():
    (look,) = planned_looks([2, 0, 1], ())
    assert (look.seeds, look.alpha, look.words, look.limit) == ((0, 1, 2), pytest.approx(0.05), "", "")


def test_each_look_sees_the_first_seeds_and_spends_its_share():
    first, second = planned_looks(range(12), [5, 10])
    assert first.seeds == tuple(range(5)) and second.seeds == tuple(range(10))
    assert (first.alpha, second.alpha) == pytest.approx((0.025, 0.025))
    assert first.words == "look 1 of 2, at 5 seeds"
    unequal = planned_looks(range(20), [5, 20])
    assert [look.alpha for look in unequal] == pytest.approx([0.0125, 0.0375])


def test_only_looks_that_were_reached_count():
    assert [look.words for look in planned_looks(range(7), [5, 10])] == ["look 1 of 2, at 5 seeds"]
    (waiting,) = planned_looks(range(4), [5, 10])
    assert waiting.limit == "before the first look, at 5 seeds" and waiting.seeds == (0, 1, 2, 3)
